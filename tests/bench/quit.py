"""How long leaving takes: from a server that answers, and from one that has stalled."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import nullcontext

from tests.bench.keys import key_of
from tests.bench.load import busy_postgres, login
from tests.bench.tables import goal
from tests.bench.terminal import PtyProgram

GOAL = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tries", type=int, default=3)


def run(args: argparse.Namespace) -> None:
    with busy_postgres() as server:
        argv = [sys.executable, "-m", "dbtui", login(server, "dbtui"), "--interval", "1"]
        for name, trouble in (("answers", nullcontext), ("stalls", server.stalled)):
            worst = 0.0
            for _ in range(args.tries):
                with PtyProgram(argv) as program:
                    program.wait_for(lambda screen: "pgbench" in screen)
                    with trouble():
                        time.sleep(3)
                        program.press(key_of("app.quit"))
                        took = program.wait_for_exit(10)
                worst = max(worst, 99 if took is None else took)
            print(goal(f"quit, worst of {args.tries}, server {name}", worst, GOAL, " s"), flush=True)
