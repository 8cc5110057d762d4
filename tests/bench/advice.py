"""What our index advice saves on 22 analytical queries, measured, beside what advice of single columns saves."""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections.abc import Sequence

from dbtui.advice.costs import total_cost
from dbtui.advice.reading import tables
from dbtui.advice.search import advise
from dbtui.config import resolve
from dbtui.engines.postgres.engine import PostgresEngine
from dbtui.model.advice import Facts, Planner, Query, WhatIf
from dbtui.shadow import Shadow
from tests.bench import tpch
from tests.servers.postgres import PostgresServer

_LIMIT = 30_000  # ms for one query
_DEXTER_SAVES = 0.5  # its --min-cost-savings-pct 50
_DEXTER_COST = 100  # its --min-cost


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the measurement."""
    parser.add_argument("--scale", type=float, default=0.1, help="1 is about 6,000,000 rows of lineitem")
    parser.add_argument("--runs", type=int, default=3, help="the best of them counts")
    parser.add_argument("--server", type=int, choices=(15, 18), default=18)


def run(args: argparse.Namespace) -> None:
    """Print each advice with the time that the queries take with it."""
    settings = {"shared_buffers": "256MB", "work_mem": "32MB", "jit": "off", "random_page_cost": "1.1"}
    with PostgresServer(args.server, settings) as server:
        asyncio.run(_measure(server, args.scale, args.runs))


async def _measure(server: PostgresServer, scale: float, runs: int) -> None:
    database = server.create_database()
    server.psql(tpch.SCHEMA, database)
    server.psql(tpch.rows(scale), database, timeout=600)
    queries = [Query(text) for text in tpch.QUERIES]
    names = sorted({name for query in queries for _, name in tables(query.text, "postgres")})
    before = [_time(server, database, query.text, runs) for query in queries]
    measured = [Query(query.text, 1, ms) for query, ms in zip(queries, before, strict=True)]
    engine = PostgresEngine(resolve(server.url(database)))
    await engine.open()
    try:
        async with Shadow() as shadow:
            started = time.perf_counter()
            facts = await engine.source.facts(names)
            clone = await shadow.clone(engine.source, names)
            built = time.perf_counter() - started
            ours = await advise(measured, facts, clone)
            took = time.perf_counter() - started
            singles = await _single_columns(measured, facts, clone)
    finally:
        await engine.close()
    where = f"at scale {scale:g} on PostgreSQL {server.version}"
    print(f"advice: {len(queries)} queries {where}: {sum(before):.0f} ms as it is")
    print(f"advice: {ours.tried} candidates on the shadow (built in {built:.1f} s) in {took:.1f} s")
    for index in ours.indexes:
        print(f"  {index.sql}  -- {(index.size or 0) >> 20} MB, {len(index.helps)} queries")
    for place, why in ours.not_understood:
        print(f"  query {place + 1} left out: {why}")
    for name, made in (("dbtui", [index.sql for index in ours.indexes]), ("single columns", singles)):
        after, size = _with(server, database, made, queries, runs)
        print(
            f"advice: {name}: {len(made)} indexes of {size}: {sum(after):.0f} ms,"
            f" {1 - sum(after) / sum(before):.0%} saved"
        )
        for place, (old, new) in enumerate(zip(before, after, strict=True), 1):
            if abs(old - new) > 0.1 * old:
                print(f"    query {place}: {old:.1f} -> {new:.1f} ms")


def _with(
    server: PostgresServer, database: str, made: Sequence[str], queries: Sequence[Query], runs: int
) -> tuple[list[float], str]:
    """The times with some indexes, which are dropped afterwards, and their size."""
    names = [f"bench_{number}" for number in range(len(made))]
    for name, sql in zip(names, made, strict=True):
        server.psql(re.sub(r"INDEX (CONCURRENTLY )?(\S+ )?ON", f"INDEX {name} ON", sql), database)
    server.psql("vacuum analyze", database)
    listed = ", ".join(f"'{name}'" for name in names) or "''"
    size = server.psql(
        f"select pg_size_pretty(coalesce(sum(pg_relation_size(oid)), 0)) from pg_class where relname in ({listed})",
        database,
    )
    times = [_time(server, database, query.text, runs) for query in queries]
    for name in names:
        server.psql(f"drop index {name}", database)
    return times, size


def _time(server: PostgresServer, database: str, sql: str, runs: int) -> float:
    """The best of some runs in ms, by the server's own clock."""
    asked = f"set statement_timeout = {_LIMIT};" + f"explain (analyze, timing off, summary on) {sql};" * runs
    try:
        said = server.psql(asked, database, timeout=300)
    except AssertionError:
        return float(_LIMIT)
    return min(float(ms) for ms in re.findall(r"Execution Time: ([\d.]+)", said))


async def _single_columns(queries: Sequence[Query], facts: Facts, planner: Planner) -> list[str]:
    """What dexter and index_advisor would make: single columns that a plan uses when it has all of them, and that
    save at least half of its cost."""
    kept: dict[str, None] = {}
    for query in queries:
        words = set(re.findall(r"\w+", query.text))
        columns = {
            f"CREATE INDEX single_{table.name}_{column} ON {table.schema}.{table.name} ({column})": None
            for table in facts.tables
            if table.name in words
            for column in table.columns
            if column in words
        }
        await planner.prepare(list(columns))
        base = total_cost(await planner.plan(query.text))
        plan = await planner.plan(query.text, WhatIf(indexes=tuple(columns)))
        if base < _DEXTER_COST or total_cost(plan) > base * (1 - _DEXTER_SAVES):
            continue
        kept |= {sql: None for sql in columns if f'"{sql.split()[2]}"' in plan.text}
    return list(kept)
