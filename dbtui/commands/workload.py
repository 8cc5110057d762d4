"""The statements that advice is for: those of a file, or those that a server has counted."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from dbtui.engines.base import Engine
from dbtui.errors import InputError, UsageError
from dbtui.model.activity import Statements
from dbtui.model.advice import Query
from dbtui.model.snapshot import Snapshot
from dbtui.sql.classify import first_word
from dbtui.sql.split import split

MOST = 100  # statements, those that took most time first
_READ = frozenset({"select", "with", "update", "delete", "values", "merge", "insert"})
_OF_THE_SERVER = re.compile(r"pg_catalog\.|\bpg_stat|information_schema|performance_schema", re.I)


def from_text(text: str, engine: str = "postgres") -> tuple[Query, ...]:
    """The statements of a text that have plans, each once, with how often it stands there. Raises InputError.

    MongoDB's are commands of the shell or documents, separated by semicolons too.
    """
    counts: dict[str, int] = {}
    for statement in split(text):
        if engine == "mongodb" or (not statement.command and first_word(statement.text) in _READ):
            counts[statement.text] = counts.get(statement.text, 0) + 1
    if not counts:
        raise InputError(
            "there is no query in it", "give SELECT, UPDATE or DELETE statements, separated by ;"
        )
    return tuple(Query(sql, count) for sql, count in counts.items())


@asynccontextmanager
async def opened(
    server: str, given: str | None, database: str
) -> AsyncIterator[tuple[Engine, Sequence[Query], str]]:
    """An open engine, the statements of a text (else those that it has counted), and the database they are of."""
    from dbtui.config import resolve
    from dbtui.engines import create

    engine = create(resolve(server))
    queries = from_text(given, engine.name) if given is not None else ()
    try:
        database = database or (await engine.open()).database
        yield engine, queries if given is not None else await from_server(engine, database), database
    finally:
        await engine.close()


async def from_server(engine: Engine, database: str) -> tuple[Query, ...]:
    """What the server has counted in a database. Raises UsageError where it counts nothing."""
    counted = await counters(engine)
    if counted is None or not counted.statements:
        note = counted.note if counted is not None else ""
        raise UsageError("the server has counted no statements", note or "give them in a file with -f")
    return of_counters(counted, database)


async def counters(engine: Engine) -> Statements | None:
    """One sample of the statement counters; None where the engine has none."""
    for source in engine.monitor.sources:
        if "statements" in source.sections:
            found = await source.fetch(Snapshot(time.time()))
            value = found.get("statements")
            return value if isinstance(value, Statements) else None
    return None


def of_counters(counted: Statements, database: str) -> tuple[Query, ...]:
    """Counted statements of one database as a workload, those of most time first."""
    shown = [
        statement
        for statement in counted.statements
        if statement.query
        and statement.calls
        and statement.database in ("", database)
        and (statement.query.startswith(("{", "db.")) or first_word(statement.query) in _READ)
        and not _OF_THE_SERVER.search(statement.query)
    ]
    merged: dict[str, Query] = {}
    for statement in shown:
        text = statement.query or ""
        before = merged.get(text, Query(text, 0, 0.0))  # another user's, or nested
        calls = before.calls + statement.calls
        whole = before.calls * (before.mean_ms or 0.0) + statement.total_ms
        merged[text] = Query(text, calls, whole / calls)
    heaviest = sorted(merged.values(), key=lambda query: -query.calls * (query.mean_ms or 0.0))
    return tuple(heaviest[:MOST])
