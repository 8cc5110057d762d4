"""`dbtui bench`: how long a statement takes, again and again, before and after a change. Only queries are run."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dbtui.commands.bench_earlier import beside, earlier
from dbtui.commands.streams import put, read_text
from dbtui.errors import NotApproved, QueryTimeout, UsageError
from dbtui.model.server import Environment
from dbtui.model.timing import Comparison, Timing
from dbtui.sql.split import split
from dbtui.text import printable

if TYPE_CHECKING:
    from dbtui.config import Target
    from dbtui.engines.base import Engine

FORMATS = ("text", "json")
_PAGE = 5000  # rows

EXAMPLES = """\
examples:
  dbtui bench staging -f q.sql                            p50, p95 and p99 of one query
  dbtui bench staging -f q.sql --against after.sql        of two texts, in turns
  dbtui bench staging -f q.sql --against-server copy      of one text on two servers, in turns
  dbtui bench staging -f q.sql --format json > before.json
                                                          and after the change: --before before.json
  dbtui bench shop.db -f q.sql --index 'CREATE INDEX i ON orders (at)'
                                                          on two copies of a SQLite file, one with the index
  dbtui bench prod -f q.sql --yes-production prod         where the name of production has to be given

Times are those seen from here: sending the statement, running it and reading all of its rows. It stops after
--seconds or --runs, whichever comes first. Only statements that surely only read are run, read-only.
Exit codes: 0 done, 2 usage, connection, or a statement that the server refuses."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("server", metavar="URL|NAME", help="a connection URL or a saved connection")
    parser.add_argument(
        "-f", "--file", metavar="FILE|-", required=True, help="the query, - for standard input"
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--against", metavar="FILE", help="another text of it")
    other.add_argument(
        "--against-server", metavar="URL|NAME", help="another server, such as a copy with an index"
    )
    other.add_argument(
        "--before", metavar="FILE|-", help="what --format json printed before a change, to compare with"
    )
    other.add_argument(
        "--index", action="append", default=[], metavar="DDL", help="SQLite: a copy with this index"
    )
    parser.add_argument(
        "--seconds", type=float, default=10.0, metavar="N", help="for all runs together (default 10)"
    )
    parser.add_argument(
        "--runs", type=int, default=200, metavar="N", help="of each side at most (default 200)"
    )
    parser.add_argument(
        "--yes-production", default="", metavar="NAME", help="run it on production: the connection's name"
    )
    parser.add_argument("--database", default="", metavar="NAME", help="another database of the server")
    parser.add_argument("--format", choices=FORMATS, default="text", help="default text")


def run(args: argparse.Namespace) -> int:
    """Print what was measured; 0. Raises DbtuiError, which is one line and exit code 2."""
    if not (0 < args.seconds <= 3600 and args.runs > 0):
        raise UsageError("a bench needs time", "give --seconds from above 0 to 3600, and --runs from 1 on")
    before = _one(read_text(args.file), args.file)
    after = _one(read_text(args.against), args.against) if args.against else before
    saved = earlier(read_text(args.before), args.before) if args.before else None
    comparison = asyncio.run(_bench(args, before, after))
    if saved is not None:
        comparison = beside(saved, comparison)
    from dbtui.output import bench as output

    put(output.json(comparison) + "\n" if args.format == "json" else output.text(comparison))
    return 0


def _one(text: str, name: str) -> str:
    """The one statement of a file. Raises UsageError."""
    found = [statement.text for statement in split(text) if not statement.command]
    if len(found) != 1:
        raise UsageError(f"{name} holds {len(found)} statements", "give exactly one")
    return found[0]


def allow(target: Target, given: str) -> None:
    """Raise NotApproved for production whose name was neither given nor typed."""
    if target.environment is not Environment.PRODUCTION or given == target.name:
        return
    if not given and sys.stdin.isatty() and sys.stderr.isatty():
        print(printable(f"{target.name} counts as production. Type its name to run the query there:"), end=" ",
              file=sys.stderr, flush=True)  # fmt: skip
        if sys.stdin.readline().strip() == target.name:
            return
    raise NotApproved(
        f"{target.name} counts as production",
        f"give --yes-production {target.name}, or save it with its environment",
    )


async def _bench(args: argparse.Namespace, before: str, after: str) -> Comparison:
    from dbtui.config import resolve

    target = resolve(args.server)
    async with AsyncExitStack() as stack:
        if args.index:
            first, second = await stack.enter_async_context(_copies(target, args.index))
        else:
            allow(target, args.yes_production)
            first = second = await stack.enter_async_context(_open(target))
        if args.against_server:
            other = resolve(args.against_server)
            allow(other, args.yes_production)
            second = await stack.enter_async_context(_open(other))
        sides = [Side("after" if args.before else "before", first, before)]
        if args.against or args.against_server or args.index:
            sides.append(Side("after", second, after))
        notes = await measure(sides, args.seconds, args.runs, args.database)
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    return Comparison(target.name, tuple(side.timing() for side in sides), tuple(notes), at)


@asynccontextmanager
async def _open(target: Target) -> AsyncIterator[Engine]:
    from dbtui.engines import create

    engine = create(target)
    try:
        await engine.open()
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def _copies(target: Target, indexes: Sequence[str]) -> AsyncIterator[tuple[Engine, Engine]]:
    """Two copies of a SQLite file, the second one with the indexes. Raises UsageError for another engine."""
    if not target.url.startswith("sqlite"):
        raise UsageError(
            "only of a SQLite file there is a copy to make an index in",
            "`dbtui advise index` plans with it; or make it on a copy and give --against-server",
        )
    from dbtui.config import resolve
    from dbtui.engines.sqlite.connection import Connector
    from dbtui.engines.sqlite.copy import copy, indexed

    with tempfile.TemporaryDirectory(prefix="dbtui-bench-") as folder:
        paths = [str(Path(folder) / name) for name in ("before.db", "after.db")]
        for path in paths:
            await copy(Connector(target), path)
        await asyncio.to_thread(indexed, paths[1], indexes)
        async with _open(resolve(paths[0])) as first, _open(resolve(paths[1])) as second:
            yield first, second


@dataclass(slots=True)
class Side:
    """One side while it is measured."""

    name: str
    engine: Engine
    sql: str
    times: list[float] = field(default_factory=list)  # ms
    rows: int = 0

    async def run(self, database: str, timeout: float) -> None:
        """Run it once and read all rows. Raises what the querier raises."""
        assert self.engine.query is not None
        began = time.perf_counter()
        cursor = await self.engine.query.run(self.sql, database=database, timeout=timeout)
        count = 0
        try:
            while True:
                page = await cursor.fetch(_PAGE)
                count += len(page.rows)
                if not page.more:
                    break
        finally:
            await cursor.close()
        self.times.append((time.perf_counter() - began) * 1000)
        self.rows = count

    def timing(self) -> Timing:
        """What was measured; the first run stands apart."""
        return Timing(self.name, self.sql, self.times[0], tuple(self.times[1:]), self.rows)


async def measure(sides: Sequence[Side], seconds: float, runs: int, database: str = "") -> list[str]:
    """Run the sides in turns, so that what else the server does meets both; notes on what came in between.

    Stops after `seconds` in all or `runs` of each. Raises UsageError for what is no query, and QueryTimeout where
    not even the first run of each side fits.
    """
    for side in sides:
        if side.engine.query is None:
            raise UsageError("this server runs no queries here", side.engine.lacks.get("query", ""))
        if not side.engine.query.only_reads(side.sql):
            raise UsageError(
                f"the statement of {side.name!r} does not surely only read", "give a plain query"
            )
    end = time.monotonic() + seconds
    for turn in range(runs + 1):
        for side in sides if turn % 2 == 0 else reversed(sides):
            left = end - time.monotonic()
            if left <= 0 and all(one.times for one in sides):
                return [f"stopped after {seconds:g} s"]
            try:
                await side.run(database, max(left, 0.1))
            except QueryTimeout:
                if not all(one.times for one in sides):
                    raise
                return [f"stopped after {seconds:g} s, in the middle of a run"]
    return []
