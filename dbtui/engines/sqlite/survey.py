"""What a change would meet in a SQLite file: its schema as it is written there, counts, sizes and free disk."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from dbtui.engines.sqlite.connection import Connection, Connector
from dbtui.engines.work import Work
from dbtui.model.migration import Engine, Relation
from dbtui.model.survey import Rates, Survey, TableFacts
from dbtui.sql.quoting import identifier

_TIMEOUT = 10.0
_SCHEMA = """SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
 ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, rowid"""
_COUNT_BELOW = 64 << 20  # bytes of a file whose rows are counted; above it the planner's statistics must do
# Reading is most of what SQLite does for an index; a rebuild writes each page twice (journal and file).
_INDEX_SHARE, _REWRITE_SHARE = 1 / 4, 1 / 6


class SqliteSurveyor:
    """See `model.survey.Surveyor`. The whole schema is read: it is one small table."""

    dialect = Engine.SQLITE

    def __init__(self, connector: Connector, work: Work[Connection]) -> None:
        self._connector = connector
        self._work = work

    async def survey(
        self, tables: tuple[Relation, ...], database: str = "", *, interval: float = 0.0
    ) -> Survey:
        """Facts of these tables. A file has no counters of use, so `interval` is not waited for."""
        path, size, free = _disk(self._connector.place.path)
        names = tuple(dict.fromkeys(one.name for one in tables))
        async with self._work.use(database) as connection:
            ddl, facts, rates = await connection.run(lambda raw: _look(raw, names), timeout=_TIMEOUT)
        number = self._connector.server.version_number
        notes = []
        if free is not None and size is not None and free < 2 * size:
            notes.append(
                f"{free >> 20} MiB of disk are free, and the file has {size >> 20} MiB: a rebuild needs as much"
            )
        return Survey(
            identity=path,
            database=database,
            version=(number // 1_000_000, number // 1000 % 1000, number % 1000),
            address=path,
            ddl=ddl,
            tables=facts,
            rates=rates,
            free_bytes=free,
            notes=tuple(notes),
            unknown=("use of tables: a file has no counters",),
        )


def _disk(name: str) -> tuple[str, int | None, int | None]:
    """The file's own path without links, its bytes, and those that are free beside it."""
    path = Path(name).resolve()
    if not path.is_file():
        return str(path), None, None
    return str(path), path.stat().st_size, shutil.disk_usage(path.parent).free


def _look(raw: sqlite3.Connection, names: Sequence[str]) -> tuple[str, tuple[TableFacts, ...], Rates | None]:
    ddl = "".join(f"{sql};\n" for _, sql in raw.execute(_SCHEMA))
    pages, page = (
        raw.execute("PRAGMA page_count").fetchone()[0],
        raw.execute("PRAGMA page_size").fetchone()[0],
    )
    small = pages * page <= _COUNT_BELOW
    found = []
    there = {
        name.casefold(): name
        for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    }
    rates: Rates | None = None
    for name in names:
        own = there.get(name.casefold())
        if own is None:
            continue
        started = time.perf_counter()
        count = f"SELECT count(*) FROM {identifier(own)} NOT INDEXED"  # noqa: S608 - quoted
        rows = raw.execute(count).fetchone()[0] if small else None
        took = time.perf_counter() - started
        size = _size(raw, own)
        if rows is not None and size and size > 1 << 20:
            scan = size / max(took, 1e-4)
            rates = Rates(scan, scan * _INDEX_SHARE, scan * _REWRITE_SHARE, measured=True)
        found.append(TableFacts(Relation(own), rows, size if size is not None else pages * page))
    return ddl, tuple(found), rates


def _size(raw: sqlite3.Connection, name: str) -> int | None:
    """Bytes of a table by the dbstat table, which not every build has."""
    try:
        found = raw.execute(
            "SELECT sum(pgsize) FROM dbstat WHERE name = ? AND aggregate = TRUE", (name,)
        ).fetchone()
    except sqlite3.Error:
        return None
    return found[0] if found and found[0] is not None else None
