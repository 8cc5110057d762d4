"""The latency of a load while a backfill writes the same table, beside that of the load alone."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import time
from pathlib import Path
from statistics import quantiles

from dbtui.migrations.limits import Limits
from dbtui.model.change import Backfill, ChangePlan, ChangeStep, Condition, Kind, Source, Transaction
from dbtui.model.migration import Relation
from dbtui.model.run import Run
from tests.migrations.runs import Console
from tests.servers.postgres import PostgresServer, programs

_ONCE = "select not exists (select from pgbench_accounts where touched <> 1)"
GOAL = 1.5  # times the 95th percentile without a backfill


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scale", type=int, default=20, help="of pgbench: 100,000 rows each (default 20)")
    parser.add_argument("--rate", type=int, default=100, help="transactions a second (default 100)")
    parser.add_argument("--seconds", type=int, default=20, help="of each measurement (default 20)")
    parser.add_argument("--version", type=int, default=18)


def run(args: argparse.Namespace) -> None:
    with PostgresServer(args.version, {"shared_buffers": "256MB", "max_wal_size": "1GB"}) as server:
        _pgbench(server, "-i", "-q", "-s", str(args.scale))
        server.psql(
            "alter table pgbench_accounts add column touched int not null default 0; vacuum analyze pgbench_accounts"
        )
        _measured(server, args, "warm", 5)
        alone = _measured(server, args, "alone", args.seconds)
        both, rows, took = asyncio.run(_with_backfill(server, args))
        again = _measured(server, args, "again", args.seconds)
    print(
        f"pgbench at {args.rate} transactions/s on {args.scale * 100_000:,} rows, PostgreSQL {args.version}"
    )
    for name, latencies in (("alone", alone), ("with a backfill", both), ("alone again", again)):
        p50, p95, p99 = (_percentile(latencies, part) for part in (50, 95, 99))
        print(
            f"  {name:16} p50 {p50:7.2f} ms   p95 {p95:7.2f} ms   p99 {p99:7.2f} ms   ({len(latencies)} transactions)"
        )
    calm = (_percentile(alone, 95) + _percentile(again, 95)) / 2
    ratio = _percentile(both, 95) / calm
    print(f"  backfill: {rows:,} rows in {took:.0f} s, {rows / took:,.0f} rows/s")
    print(
        f"  p95 with it is {ratio:.2f} times that without: goal {GOAL} {'met' if ratio <= GOAL else 'MISSED'}"
    )


def _plan() -> ChangePlan:
    table = Relation("pgbench_accounts")
    step = ChangeStep(
        1, Kind.BACKFILL, "touch every account", transaction=Transaction.BATCHES, relation=table,
        backfill=Backfill(table, ("aid",), "touched = touched + 1", "touched = 0"),
        postconditions=(Condition(_ONCE, "each was touched once"),),
    )  # fmt: skip
    return ChangePlan("postgresql", "", "", (Source("bench"),), (step,), "bench")


async def _with_backfill(server: PostgresServer, args: argparse.Namespace) -> tuple[list[float], int, float]:
    """The load's latencies while a backfill goes on; its rows and seconds, as far as it came."""
    newest: list[Run] = []

    def keep(run: Run) -> None:
        newest[:] = [run]

    async with (
        Console(server.url()) as console,
        console.runner(_plan(), limits=Limits(), on_change=keep) as runner,
    ):
        filling = asyncio.create_task(runner.run())
        while not (newest and newest[0].fill is not None):
            await asyncio.sleep(0.05)
        began = time.time()
        latencies = await asyncio.to_thread(_measured, server, args, "both", args.seconds)
        runner.stop()
        run = await filling
        step = run.of(1)
        took = (step.ended or time.time()) - (step.started or began)
    return latencies, run.fill.rows if run.fill else 0, took


def _measured(server: PostgresServer, args: argparse.Namespace, name: str, seconds: int) -> list[float]:
    """Milliseconds of each transaction of a load."""
    folder = Path(os.environ.get("TMPDIR", "/tmp"), f"dbtui-bench-{os.getpid()}")
    folder.mkdir(exist_ok=True)
    _pgbench(
        server, "-c", "4", "-R", str(args.rate), "-T", str(seconds), "-l", f"--log-prefix={folder / name}"
    )
    found: list[float] = []
    for file in folder.glob(f"{name}.*"):
        found += [int(line.split()[2]) / 1000 for line in file.read_text().splitlines()]
        file.unlink()
    folder.rmdir()
    return found


def _pgbench(server: PostgresServer, *arguments: str) -> None:
    folder = programs(18)
    assert folder is not None
    argv = [
        folder / "pgbench",
        "-h",
        server.socket,
        "-p",
        str(server.port),
        "-U",
        server.user,
        *arguments,
        "postgres",
    ]
    env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    subprocess.run(argv, check=True, capture_output=True, env=env)


def _percentile(values: list[float], part: int) -> float:
    return quantiles(values, n=100)[part - 1]
