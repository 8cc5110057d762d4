"""The planner's statistics: sqlite_stat1, which ANALYZE writes and nothing dates."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from dbtui.engines.sqlite.failures import is_busy
from dbtui.sql.quoting import identifier

MOST_TABLES = 200  # looked into at one time
_TABLES = """
select name, wr from pragma_table_list
 where schema = 'main' and type = 'table' and name not like 'sqlite\\_%' escape '\\' limit 10000
"""


def collected(raw: sqlite3.Connection) -> Mapping[str, int]:
    """Table → rows when ANALYZE ran last. Empty where it never ran."""
    found = raw.execute(
        "select 1 from sqlite_schema where name = 'sqlite_stat1' and type = 'table'"
    ).fetchone()
    rows: dict[str, int] = {}
    if found is None:
        return rows
    for table, stat in raw.execute("select tbl, stat from sqlite_stat1 limit 100000"):
        first = str(stat or "").split(" ", 1)[0]
        if isinstance(table, str) and first.isdecimal():  # of a partial index it is less
            rows[table] = max(int(first), rows.get(table, 0))
    return rows


def unanalysed(raw: sqlite3.Connection) -> int | None:
    """Tables with rows that the planner has no statistics of; None while the file is locked."""
    try:
        known = collected(raw)
        tables = [name for name, _ in raw.execute(_TABLES) if name not in known]
        return sum(1 for name in tables[:MOST_TABLES] if _has_rows(raw, name))
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        return None


def last_rowid(raw: sqlite3.Connection, table: str) -> int | None:
    """The greatest rowid, for one page of reading; None for a table without rowids or rows."""
    try:
        row = raw.execute(f"select max(rowid) from {identifier(table)}").fetchone()  # noqa: S608
    except sqlite3.OperationalError:
        return None
    return row[0] if row and isinstance(row[0], int) else None


def _has_rows(raw: sqlite3.Connection, table: str) -> bool:
    row = raw.execute(f"select exists (select 1 from {identifier(table)})").fetchone()  # noqa: S608
    return bool(row and row[0])
