"""A crowd at once: 5,000 sessions, 2,000 of them waiting for locks, and 20,000 digests, at 1 s refresh.

No server here holds that many. What comes from one is made up; from its JSON text and its columns on, everything
runs as it does on a PostgreSQL: the parsers of its engine, the sampler, the history, and the console in a terminal.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from typing import Any

from dbtui.config import Target
from dbtui.engines.postgres import counters, sessions
from dbtui.engines.postgres.statements import _rows
from dbtui.live.stand_in import StandIn, _Standing, _Still
from dbtui.model.activity import Statement, Statements
from dbtui.model.server import Environment, Server
from dbtui.model.snapshot import SectionName, Snapshot, Source
from tests.bench.tables import goal
from tests.bench.terminal import PtyProgram

GOAL = 0.2  # of one core
SESSIONS, WAITERS, DIGESTS = 5_000, 2_000, 20_000
BUSY = 300  # digests that grow between two samples


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=30)


def run(args: argparse.Namespace) -> None:
    with PtyProgram([sys.executable, "-c", "from tests.bench.crowd import show; show()"]) as program:
        program.wait_for(lambda screen: "blocked" in screen, 60)
        time.sleep(10)
        for pane in ("1", "2"):
            program.press(pane)
            time.sleep(6)
            before = program.cost()
            time.sleep(args.seconds)
            cpu, sent = before.per_minute(program.cost())
            print(goal(f"part of one core, pane {pane}", cpu / 60, GOAL))
            print(f"  {sent / 1000:,.0f} KB/min, {program.resident() / 1e6:.0f} MB")
        program.press("2")
        time.sleep(8)
        print("  " + program.show().splitlines()[1].rpartition("Health")[2].strip())


class _Crowd(_Still):
    """See `engines.base.Monitor`."""

    def __init__(self) -> None:
        super().__init__(counters.METRICS)
        self._began = time.monotonic()
        self._made: dict[str, Statement] = {}
        self._answers = [_activity(float(second)) for second in range(20)]
        self._columns = [_columns(turn) for turn in range(20)]
        self.sources = (
            Source(("activity", "counters"), self._tick),
            Source(("locks",), self._locks),
            Source(("statements",), self._statements, every=5.0),
        )

    async def _tick(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        answer = json.loads(self._answers[int(time.monotonic() - self._began) % len(self._answers)])
        activity = sessions.activity_of(answer)
        return {
            "activity": activity,
            "counters": counters.of_sample(answer, activity.connections, activity.sessions),
        }

    async def _locks(self, snapshot: Snapshot) -> Mapping[SectionName, Any]:
        return {"locks": {str(n): ("1",) if n < 1_000 else (str(n - 900),) for n in range(2, WAITERS + 2)}}

    async def _statements(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        turn = int(time.monotonic() - self._began) // 5
        rows, _ = _rows(self._columns[turn % len(self._columns)])
        for id_, row in rows.items():
            known = self._made.get(id_)
            if known is None or known.calls != row[3]:
                text = f"SELECT * FROM t{row[0]} WHERE id = $1"
                self._made[id_] = Statement(id_, row[0], "shop", "app", text, row[3], row[4] / 1000, row[5])
        return {"statements": Statements(tuple(self._made.values()), "pg_stat_statements 1.12")}


def _activity(seconds: float) -> str:
    """The answer of activity.sql: one root, waiters behind it, some that run, the rest idle."""
    rows = []
    for n in range(1, SESSIONS + 1):
        waits, works = 2 <= n < WAITERS + 2, n < WAITERS + 300
        state = "idle in transaction" if n == 1 else "active" if works else "idle"
        age = round(seconds + n / 100, 3)
        rows.append([
            n, "1", "app", "shop", f"service-{n % 40}", f"10.0.{n % 200}.7", "client backend", state,
            "Lock" if waits else "", "transactionid" if waits else "", None, str(n % 500), age if works else None,
            age if works else None, age, None, f"UPDATE stock SET quantity = quantity - 1 WHERE sku = {n}", None,
        ])  # fmt: skip
    said = {
        "sessions": rows,
        "self": 0,
        "max": 6_000,
        "reserved": 3,
        "role": "me",
        "counters": {"commits": seconds * 900},
    }
    return json.dumps(said)


def _columns(turn: int) -> Mapping[str, Any]:
    """The answer of statements.sql: each column one text."""
    grown = [turn * 3 if n < BUSY else 0 for n in range(DIGESTS)]
    counted = " ".join(str(1_000 + more) for more in grown)
    names = ("rows", "hit", "read", "temp", "wal")
    same = " ".join(["5"] * DIGESTS)
    return {
        "ids": " ".join(map(str, range(1, DIGESTS + 1))), "users": same, "databases": same, "calls": counted,
        "total": " ".join(str(1_000_000 + more * 9_000) for more in grown), **dict.fromkeys(names, same),
        "planning": None, "reading": None, "toplevel": None,
    }  # fmt: skip


def show() -> None:
    """The console on the crowd."""
    from dbtui.tui.app import Options, run_console

    server = Server(
        "PostgreSQL", "18.6", 180006, "primary", "crowd:5432", "shop", "me", started=time.time() - 9e4
    )
    engine = _Standing("postgres", "this is made up", _Crowd(), server)
    target = Target("crowd", "postgresql", "", Environment.DEVELOPMENT)
    run_console(None, Options(interval=1.0), StandIn(target, engine))
