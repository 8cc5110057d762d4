"""How soon a typed key shows while a result of 50,000 rows arrives."""

from __future__ import annotations

import argparse
import statistics
import sys
import time

from tests.bench.keys import key_of
from tests.bench.load import busy_postgres, login
from tests.bench.tables import goal
from tests.bench.terminal import PtyProgram

GOAL = 0.1
_WIDE = (
    "select g, md5(g::text) a, md5(g::text) b, repeat('x', 40) c, now() d from generate_series(1, {rows}) g"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=50_000)


def run(args: argparse.Namespace) -> None:
    with busy_postgres() as server:
        argv = [sys.executable, "-m", "dbtui", login(server, "dbtui"), "--interval", "1"]
        with PtyProgram(argv) as program:
            program.wait_for(lambda screen: "pgbench" in screen)
            program.press(key_of("main.query"))
            program.wait_for(lambda screen: "Result" in screen)
            program.press(_WIDE.format(rows=args.rows) + " --")
            program.wait_for(lambda screen: " --" in screen)
            at_rest = _latencies(program, "--", 10)
            program.press(key_of("query.run"))  # from here on, the keys are typed into a comment
            loading = _latencies(program, "--" + "z" * 10, 40)
            program.wait_for(lambda screen: f"{args.rows:,} rows" in screen)
    print(f"at rest: median {statistics.median(at_rest) * 1000:.0f} ms, worst {max(at_rest) * 1000:.0f} ms")
    typical = statistics.median(loading) * 1000
    print(f"{len(loading)} keys while {args.rows:,} rows arrive: median {typical:.0f} ms")
    print(goal("worst key while the result arrives", max(loading), GOAL, " s"))


def _latencies(program: PtyProgram, shown: str, count: int) -> list[float]:
    """Type one letter after the other; the seconds until each is on the screen."""
    found = []
    for _ in range(count):
        shown += "z"
        pressed = time.monotonic()
        program.press("z")
        program.wait_for(lambda screen, shown=shown: shown in screen)  # type: ignore[misc]
        found.append(time.monotonic() - pressed)
        time.sleep(0.03)
    return found
