"""Plans of statements, as EXPLAIN QUERY PLAN tells them. Nothing is ever run for one."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence

from dbtui.engines.planning import check_has_plan
from dbtui.engines.sqlite.connection import Connection, Connector
from dbtui.engines.work import Work
from dbtui.errors import QueryError
from dbtui.model.plan import RawPlan
from dbtui.safety import Approval
from dbtui.sql.classify import first_word

TEXT, ROWS = "sqlite-text", "sqlite-json"
NOT_MEASURED = (
    "SQLite measures no plans: EXPLAIN QUERY PLAN tells how it would search, without rows, costs and times"
)
_WITH_PLANS = frozenset({"select", "values", "with", "insert", "replace", "update", "delete"})
_EXPLAIN = re.compile(r"\s*explain\s+(?:query\s+plan\s+)?", re.I)
_COUNT = re.compile(r"statement uses (\d+)")
_Row = tuple[int, int, int, str]


class _Unbound(dict[str, None]):
    """A value for every named placeholder: the plan does not depend on it."""

    def __missing__(self, key: str) -> None:
        return None


class SqliteExplainer:
    """See `engines.base.Explainer`."""

    def __init__(self, connector: Connector, work: Work[Connection]) -> None:
        self._connector = connector
        self._work = work

    async def explain(
        self,
        sql: str,
        *,
        database: str = "",
        analyze: bool = False,
        timeout: float = 30.0,
        approval: Approval | None = None,
    ) -> RawPlan:
        """The plan of one statement, also of one that writes or has placeholders. `analyze` is refused.

        Raises QueryError, QueryTimeout, SessionLost, ConnectError.
        """
        if analyze:
            raise QueryError(NOT_MEASURED, "run the statement with ctrl+r, which tells how long it took")
        inner = _EXPLAIN.sub("", sql, count=1) if first_word(sql) == "explain" else sql
        check_has_plan(first_word(inner), _WITH_PLANS)
        async with self._work.use() as connection:
            rows, unbound = await connection.run(
                lambda raw: ask(raw, f"EXPLAIN QUERY PLAN {inner}"), timeout=timeout, mode="plan", sql=sql
            )
        if not rows:
            raise QueryError("SQLite has no plan for it: it reads no table", "there is nothing to search")
        notes = ("made without values for the placeholders",) if unbound else ()
        plain = all("\n" not in row[3] for row in rows)
        text, form = (as_tree(rows), TEXT) if plain else (as_json(rows), ROWS)
        return RawPlan(text, form, inner.strip(), sqlite3.sqlite_version, notes)


def ask(raw: sqlite3.Connection, sql: str) -> tuple[list[_Row], bool]:
    """The rows of a plan, and whether placeholders were left without values."""
    try:
        return raw.execute(sql).fetchall(), False
    except sqlite3.Error as error:
        count = _COUNT.search(str(error))
        if count is None:
            raise
        try:
            return raw.execute(sql, _Unbound()).fetchall(), True
        except sqlite3.ProgrammingError:
            return raw.execute(sql, (None,) * int(count[1])).fetchall(), True


def as_tree(rows: Iterable[_Row]) -> str:
    """The plan as the shell prints it."""
    children: dict[int, list[_Row]] = {}
    for row in rows:
        children.setdefault(row[1], []).append(row)
    lines = ["QUERY PLAN"]
    stack: list[tuple[_Row, str, bool]] = _below(children.get(0, ()), "")
    while stack:
        row, lead, last = stack.pop()
        lines.append(f"{lead}{'`--' if last else '|--'}{row[3]}")
        stack += _below(children.get(row[0], ()), lead + ("   " if last else "|  "))
    return "\n".join(lines)


def _below(rows: Sequence[_Row], lead: str) -> list[tuple[_Row, str, bool]]:
    return [(row, lead, row is rows[-1]) for row in reversed(rows)]


def as_json(rows: Iterable[_Row]) -> str:
    names = ("id", "parent", "notused", "detail")
    return json.dumps([dict(zip(names, row, strict=True)) for row in rows], ensure_ascii=False, indent=1)
