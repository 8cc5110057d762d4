"""`dbtui advise partition`: which tables should be split by time, and how that is done beside their users."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dbtui.advice.partitions import LEAST, advise
from dbtui.commands.planners import facts_for, named, qualified
from dbtui.commands.streams import check_fail_on, exit_code, put, read_text
from dbtui.commands.workload import opened
from dbtui.errors import UsageError
from dbtui.model.advice import Query
from dbtui.model.finding import Finding, Severity
from dbtui.model.partitioning import PartitionAdvice, Partitioning

if TYPE_CHECKING:
    from dbtui.engines.base import Engine

RULE = "pg-missing-partitions"
_OF_THE_SERVER = ("pg_catalog", "information_schema")
DOCS = ("https://www.postgresql.org/docs/current/ddl-partitioning.html",)


def run(args: argparse.Namespace) -> int:
    """Print the advice; the exit code. Raises DbtuiError, which is one line and exit code 2."""
    check_fail_on(args.fail_on, (RULE,))
    least = LEAST if args.least is None else args.least
    if not 0 <= least < float("inf"):
        raise UsageError(f"--least {args.least}", "give a number of GB")
    given = read_text(args.file) if args.file is not None else None
    advice = asyncio.run(_ask(args, given, least))
    found = findings(advice)
    put(render(advice, found, args.format))
    return exit_code(found, args.fail_on)


async def _ask(args: argparse.Namespace, given: str | None, least: float) -> PartitionAdvice:
    async with opened(args.server, given, args.database) as (engine, queries, database):
        return await partition_on(engine, queries, database, least)


def check_engine(engine: Engine) -> None:
    """Raise UsageError for an engine without partition advice."""
    if engine.name != "postgres":
        raise UsageError(f"there is no partition advice for {engine.name}", "it is for PostgreSQL")


async def partition_on(
    engine: Engine, queries: Sequence[Query], database: str = "", least: float = LEAST
) -> PartitionAdvice:
    """The advice for a workload on an open engine. Raises UsageError for an engine without it, QueryError."""
    from dbtui.engines.postgres.engine import PostgresEngine

    check_engine(engine)
    assert isinstance(engine, PostgresEngine)
    facts = await facts_for(engine, queries, database)
    found = await engine.source.partitionable([qualified(*table.path) for table in facts.tables], database)
    advice = advise(queries, facts, found, least)
    known = {table.name for table in facts.tables} | {name for _, name in facts.views}
    strangers = [
        name
        for schema, name in named(queries, facts.dialect)
        if name not in known and schema not in _OF_THE_SERVER and not name.startswith("pg_")
    ]
    return replace(advice, others=(*advice.others, *((name, "it is not known here") for name in strangers)))


def findings(advice: PartitionAdvice) -> list[Finding]:
    """The advice as findings, a warning each."""
    return [_finding(one) for one in advice.tables]


def _finding(one: Partitioning) -> Finding:
    return Finding(
        RULE,
        Severity.WARNING,
        f"ranges of {one.key}, one a {one.every}, would let its statements and its cleaning reach parts of it",
        one.table,
        {**one.evidence, "every": one.every, "verified": "heuristic"},
        "; ".join((f"retention: {one.retention}", *one.obstacles)),
        one.sql,
        DOCS,
    )


def render(advice: PartitionAdvice, found: Sequence[Finding], form: str) -> str:
    """The advice as "text", "json" or "markdown", ending with a newline."""
    from dbtui.output import partitioning as output

    if form == "json":
        return output.document(advice, found) + "\n"
    return output.markdown(advice) if form == "markdown" else output.plain(advice)
