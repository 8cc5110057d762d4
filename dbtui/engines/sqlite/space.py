"""Bytes of tables and indexes: dbstat, which reads every page it tells of. So it gets a budget of time.

Outside WAL mode a reader holds off commits, so the budget is much smaller there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from dbtui.engines.sqlite.connection import Connection
from dbtui.errors import QueryError

IN_WAL, BESIDE_WRITERS = 0.5, 0.1  # seconds
_ALL = """
select s.tbl_name, sum(d.pgsize) from dbstat d join sqlite_schema s on s.name = d.name group by s.tbl_name
"""
_ONE = """
select s.name, sum(d.pgsize), sum(d.unused)
  from sqlite_schema s join dbstat d on d.name = s.name where s.tbl_name = ? collate nocase group by s.name
"""


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of a table's b-trees by name, and how many of all are unused."""

    bytes: Mapping[str, int]
    unused: int

    @property
    def total(self) -> int:
        return sum(self.bytes.values())


async def of_all(connection: Connection) -> Mapping[str, int]:
    """Table → bytes with its indexes; empty where that cannot be had within the budget."""
    try:
        found = await connection.run(
            lambda raw: raw.execute(_ALL).fetchall(), timeout=await _budget(connection)
        )
    except QueryError:  # not compiled in, no time, a damaged page: the list is worth more than its sizes
        return {}
    return dict(found)


async def of_one(connection: Connection, table: str) -> Space | None:
    """The space of one table; None where that cannot be had within the budget."""
    try:
        found = await connection.run(
            lambda raw: raw.execute(_ONE, (table,)).fetchall(), timeout=await _budget(connection)
        )
    except QueryError:
        return None
    return Space({name: size for name, size, _ in found}, sum(unused for _, _, unused in found))


async def _budget(connection: Connection) -> float:
    def mode(raw: sqlite3.Connection) -> str:
        return str(raw.execute("PRAGMA journal_mode").fetchone()[0])

    return IN_WAL if await connection.run(mode) == "wal" else BESIDE_WRITERS
