"""What each statement of the sampler costs a server with 500 sessions and 5,000 statement entries."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

import asyncpg

from tests.bench.keys import key_of
from tests.bench.load import login
from tests.bench.tables import goal, table
from tests.bench.terminal import PtyProgram
from tests.servers.postgres import PostgresServer

GOAL = 10  # milliseconds of the statement of every tick
_COST = """
select calls, round((mean_plan_time + mean_exec_time)::numeric, 2), round(max_exec_time::numeric, 2),
       left(regexp_replace(query, '\\s+', ' ', 'g'), 60)
from pg_stat_statements where userid = '{role}'::regrole and calls > 1 order by calls desc, 2 desc
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--statements", type=int, default=5000)


def run(args: argparse.Namespace) -> None:
    settings = {
        "max_connections": str(args.sessions + 20),
        "pg_stat_statements.max": str(args.statements * 2),
        "pg_stat_statements.track_planning": "on",
    }
    for version in (15, 18):
        with PostgresServer(version, settings) as server:
            asyncio.run(_measure(server, args))


async def _measure(server: PostgresServer, args: argparse.Namespace) -> None:
    server.psql("create extension pg_stat_statements")
    url = login(server, "dbtui")
    await _fill_statements(server, args.statements)
    sessions = [await asyncpg.connect(server.url()) for _ in range(args.sessions)]
    for session in sessions[: args.sessions // 10]:
        await session.execute("begin")  # some of every kind
        await session.execute("select 1")
    try:
        await asyncio.to_thread(_watch, url, args.seconds)
    finally:
        for session in sessions:
            session.terminate()
    rows = [line.split("|", 3) for line in server.psql(_COST.format(role="dbtui")).splitlines()]
    print(f"\nPostgreSQL {server.version}: {args.sessions} sessions, {args.statements:,} statement entries\n")
    print(table(["calls", "mean ms", "worst ms", "statement"], rows))
    ticks = [row for row in rows if int(row[0]) > args.seconds / 2]
    for number, row in enumerate(ticks, 1):
        print(goal(f"statement {number} of every tick, mean", float(row[1]), GOAL, " ms"))


async def _fill_statements(server: PostgresServer, count: int) -> None:
    """As many distinct statements: which columns a query reads makes it another one."""
    columns = [f"c{n}" for n in range(100)]
    connection = await asyncpg.connect(server.url(), statement_cache_size=0)
    await connection.execute(f"create table wide ({', '.join(f'{c} int' for c in columns)})")
    pairs = [(a, b) for a in columns for b in columns][:count]
    for a, b in pairs:
        await connection.execute(f"select {a}, {b} from wide /* {'as long as statements are: ' * 20} */")
    await connection.close()


def _watch(url: str, seconds: float) -> None:
    with PtyProgram([sys.executable, "-m", "dbtui", url, "--interval", "1"]) as program:
        program.wait_for(lambda screen: "wide" in screen or "select 1" in screen)
        time.sleep(seconds)
        program.press(key_of("app.quit"))
        program.wait_for_exit(5)
