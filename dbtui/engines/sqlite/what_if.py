"""SQLite's planner on a copy in memory: the schema and the statistics of the file, and none of its rows.

SQLite plans by sqlite_stat1 alone, so that the copy's plan with an index is the one that the file would get
(https://www.sqlite.org/optoverview.html and https://www.sqlite.org/fileformat2.html#stat1tab).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence

from dbtui.engines.sqlite.connection import Connection
from dbtui.engines.sqlite.explain import ROWS, TEXT, as_json, as_tree, ask
from dbtui.engines.sqlite.statistics import collected
from dbtui.errors import QueryError
from dbtui.model.advice import NOTHING, WhatIf
from dbtui.model.plan import RawPlan

_GUESSES = (
    10,
    9,
    8,
    7,
    6,
    5,
)  # rows for each more column that is equal, where nothing is known: sqlite3DefaultRowEst
_SCHEMA = "select type, name, tbl_name, sql from sqlite_schema where name not like 'sqlite\\_%' escape '\\'"


class SqliteClone:
    """See `model.advice.Planner`. Close it when it is no longer asked."""

    verified = "SQLite's planner on a copy of the schema and statistics in memory"

    def __init__(self, schema: Sequence[str], statistics: Sequence[tuple[object, ...]]) -> None:
        self._schema = schema
        self._statistics = statistics
        self._raw = self._copy()
        self._made: tuple[str, ...] = ()
        self.rows: Mapping[str, int] = collected(self._raw)
        self.missing: tuple[str, ...] = ()

    async def plan(self, query: str, what_if: WhatIf = NOTHING) -> RawPlan:
        """The plan of a statement there. Raises QueryError, also for what SQLite has none of."""
        if what_if.settings or what_if.statistics:
            raise QueryError("SQLite's planner has no settings and no statistics objects", "try an index")
        try:
            if what_if.indexes != self._made or what_if.hidden:
                self._raw.close()
                self._raw = self._copy(what_if)
                self._made = what_if.indexes
            rows, _ = ask(self._raw, f"EXPLAIN QUERY PLAN {query}")
        except sqlite3.Error as error:
            raise QueryError(str(error)) from None
        plain = all("\n" not in row[3] for row in rows)
        text, form = (as_tree(rows), TEXT) if plain else (as_json(rows), ROWS)
        return RawPlan(text, form, query, sqlite3.sqlite_version, (self.verified,))

    async def prepare(self, indexes: Sequence[str]) -> Mapping[str, str]:
        """Those that SQLite refuses, and why."""
        refused = {}
        for sql in indexes:
            copy = None
            try:
                copy = self._copy(WhatIf(indexes=(sql,)))
            except sqlite3.Error as error:
                refused[sql] = str(error)
            finally:
                if copy is not None:
                    copy.close()
        return refused

    def size(self, index: str) -> int:
        """SQLite keeps no widths: unknown."""
        return 0

    def close(self) -> None:
        """Let go of the copy."""
        self._raw.close()

    def _copy(self, what_if: WhatIf = NOTHING) -> sqlite3.Connection:
        raw = sqlite3.connect(":memory:", check_same_thread=False)
        for sql in self._schema:
            name = re.match(r'create (?:unique )?index (?:if not exists )?["`\[]?([^"`\]\s]+)', sql, re.I)
            if name is None or name[1] not in what_if.hidden:
                raw.execute(sql)
        raw.execute("analyze sqlite_schema")  # makes sqlite_stat1
        raw.execute("delete from sqlite_stat1")
        raw.executemany("insert into sqlite_stat1 values (?, ?, ?)", self._statistics)
        rows = collected(raw)
        for sql in what_if.indexes:
            before = {row[0] for row in raw.execute("select name from sqlite_schema where type = 'index'")}
            raw.execute(sql)
            for name, table in raw.execute(
                "select name, tbl_name from sqlite_schema where type = 'index'"
            ).fetchall():
                if name not in before and rows:
                    raw.execute(
                        "insert into sqlite_stat1 values (?, ?, ?)",
                        (table, name, _guess(raw, name, rows.get(table, 0))),
                    )
        raw.execute("analyze sqlite_schema")  # reads the figures again
        return raw


def _guess(raw: sqlite3.Connection, index: str, rows: int) -> str:
    """The line of sqlite_stat1 for an index that has none."""
    keys = raw.execute("select count(*) from pragma_index_info(?)", (index,)).fetchone()[0]
    each = [min(rows, _GUESSES[min(place, len(_GUESSES) - 1)]) for place in range(keys)]
    return " ".join(map(str, [max(1, rows), *(max(1, one) for one in each)]))


async def clone(connection: Connection) -> SqliteClone:
    """A copy of what a connection's file holds beside its rows. Raises QueryError, SessionLost."""

    def read(raw: sqlite3.Connection) -> tuple[list[str], list[tuple[object, ...]]]:
        order = {"table": 0, "view": 2, "index": 1}
        found = [row for row in raw.execute(_SCHEMA) if row[3] and row[0] in order]
        found.sort(key=lambda row: order[row[0]])
        try:
            statistics = raw.execute("select tbl, idx, stat from sqlite_stat1").fetchall()
        except sqlite3.OperationalError:  # ANALYZE never ran
            statistics = []
        return [row[3] for row in found if not row[3].lower().startswith("create virtual")], statistics

    return SqliteClone(*await connection.run(read))
