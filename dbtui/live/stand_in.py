"""What the console can show in the place of a server: a recording, or a log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbtui.config import Target
from dbtui.engines import nouns
from dbtui.engines.base import Engine, Monitor
from dbtui.errors import ConnectError
from dbtui.live.tape import Tape
from dbtui.model.activity import Activity, Deadlock, Statements
from dbtui.model.server import Environment, Server
from dbtui.model.snapshot import Cost, Metric, SectionName, Snapshot, Source

_PARTS = ("catalog", "query", "explain", "actions")


@dataclass(frozen=True, slots=True)
class StandIn:
    """What is opened, and the pane where it begins. A recording begins at one of its lines."""

    target: Target
    engine: Engine
    pane: str = "live"
    recording: tuple[Tape, int] | None = None
    note: str = ""


def of_recording(tape: Tape, start: int) -> StandIn:
    """A recording, from one of its lines on."""
    header = tape.header
    known = header.environment in set(Environment)
    environment = Environment(header.environment) if known else Environment.PRODUCTION
    engine = _Standing(header.engine, "this is a recording", _Still(header.metrics))
    return StandIn(
        Target(header.server, "recording", "", environment), engine, "live", (tape, start), tape.note
    )


def of_log(
    name: str,
    engine: str,
    server: Server,
    rows: Callable[[], Statements],
    deadlocks: Callable[[], Sequence[Deadlock]] = tuple,
) -> StandIn:
    """A log's statements and deadlocks; `rows` is asked for each sample what was read so far, in a thread."""
    made = _Standing(engine, "this is a log", _Reading(rows, deadlocks), server)
    return StandIn(Target(name, "log", "", Environment.DEVELOPMENT), made, "statements")


class _Standing:
    """See `engines.base.Engine`: figures and rows, and nothing that asks or acts."""

    catalog = None
    query = None
    explain = None
    actions = None

    def __init__(self, name: str, what: str, monitor: Monitor, server: Server | None = None) -> None:
        self.name = name
        self.nouns = nouns(name)
        self.lacks: Mapping[str, str] = dict.fromkeys(_PARTS, f"{what}: there is no server to ask")
        self.monitor = monitor
        self._server = server

    async def open(self) -> Server:
        """Who it was. Raises ConnectError where that stands in the snapshots."""
        if self._server is None:
            raise ConnectError("there is no server")
        return self._server

    async def close(self) -> None:
        """There is nothing to leave."""


class _Still:
    """See `engines.base.Monitor`. It asks nothing."""

    sources: Sequence[Source] = ()

    def __init__(self, metrics: Sequence[Metric] = ()) -> None:
        self.metrics = metrics

    @property
    def cost(self) -> Cost:
        """Nobody is asked."""
        return Cost()

    async def reconnect(self) -> Server:
        """Raises ConnectError."""
        raise ConnectError("there is no server")


class _Reading(_Still):
    """Reads on in a log."""

    def __init__(self, rows: Callable[[], Statements], deadlocks: Callable[[], Sequence[Deadlock]]) -> None:
        super().__init__()
        self._rows = rows
        self._deadlocks = deadlocks
        self.sources = (
            Source(("activity",), self._nobody),
            Source(("statements",), self._statements, every=1.0, timeout=60.0),
        )

    async def last_deadlock(self) -> Deadlock:
        """See `engines.base.RemembersDeadlocks`."""
        found = self._deadlocks()
        return found[-1] if found else Deadlock(note="this log tells of no deadlock")

    async def _nobody(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        return {"activity": Activity((), 0, None)}

    async def _statements(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        return {"statements": await asyncio.to_thread(self._rows)}
