"""How long the shadow of a schema takes to build, from nothing to the first plan."""

from __future__ import annotations

import argparse
import asyncio
import time
from statistics import median

from dbtui.config import resolve
from dbtui.engines.postgres.engine import PostgresEngine
from dbtui.model.advice import WhatIf
from dbtui.shadow import Shadow
from tests.servers.postgres import PostgresServer

LIMIT = 5.0  # seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the measurement."""
    parser.add_argument("--tables", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3)


def run(args: argparse.Namespace) -> None:
    """Print the times of a whole clone, of one of three tables, and of a plan with an index that is thought of."""
    for version in (15, 18):
        with PostgresServer(version) as server:
            database = server.create_database()
            server.psql(schema(args.tables), database, timeout=300)
            asyncio.run(_measure(server, database, args.tables, args.runs))


def schema(tables: int) -> str:
    """Tables of ten columns with a primary key, two indexes and a foreign key each, analysed."""
    made = []
    for number in range(tables):
        columns = ", ".join(f"c{n} {('int', 'text', 'timestamptz')[n % 3]}" for n in range(8))
        parent = f" references t{number - 1}" if number else ""
        made.append(
            f"create table t{number} (id int primary key, parent int{parent}, {columns});"
            f"create index on t{number} (parent); create index on t{number} (c0, c1);"
            f"insert into t{number} (id, parent, c0, c1) select i, {'i' if number else 'null'}, i % 10, i"
            f" from generate_series(1, 200) i;"
        )
    return "".join(made) + "vacuum analyze"


async def _measure(server: PostgresServer, database: str, tables: int, runs: int) -> None:
    engine = PostgresEngine(resolve(server.url(database)))
    await engine.open()
    whole, some, planned = [], [], []
    try:
        for _ in range(runs):
            started = time.perf_counter()
            async with Shadow() as shadow:
                clone = await shadow.clone(engine.source)
                await clone.plan("select * from t7 where c2 is null")
                whole.append(time.perf_counter() - started)
                assert not clone.missing
                started = time.perf_counter()
                few = await shadow.clone(engine.source, ["t1", "t2", "t3"])
                await few.plan("select * from t1 where c2 is null")
                some.append(time.perf_counter() - started)
                started = time.perf_counter()
                await few.plan(
                    "select * from t1 where c4 = 'x'", WhatIf(indexes=("create index on t1 (c4)",))
                )
                planned.append(time.perf_counter() - started)
    finally:
        await engine.close()
    verdict = "under" if median(whole) < LIMIT else "OVER"
    print(
        f"shadow: {tables} tables of PostgreSQL {server.version}, server started and first plan made in"
        f" {median(whole):.2f} s (best of {runs}: {min(whole):.2f}, worst {max(whole):.2f}), {verdict} {LIMIT:.0f} s;"
        f" of three tables {min(some):.2f} s; a new index planned with in {min(planned) * 1000:.0f} ms"
    )
