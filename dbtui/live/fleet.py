"""Several servers at once, one line each. Every server is asked by a task of its own: a slow one delays nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dbtui.config import Target
from dbtui.engines import create
from dbtui.engines.base import Engine, Monitor
from dbtui.errors import DbtuiError
from dbtui.live.health import HealthWatch
from dbtui.live.sampler import Sampler
from dbtui.model.finding import Finding
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost, Link, Metric, Snapshot, Source
from dbtui.rules.live import Changes

INTERVAL = 5.0  # seconds between two samples of a server
_SLOW = 30.0  # seconds at least between two questions for what changes slowly
_STAGGER = 0.03  # seconds between the first questions: no server's network need take all of them at once
_FAREWELL = 0.5  # seconds for all engines to close

# what stands in a column, the first that a server has
LOAD = ("load", "active", "search_active", "writing", "ops")
WAITS = ("waiting", "queued", "blocked", "search_queue")
ERRORS = ("errors", "rollbacks", "refused", "search_rejected")
LAG = ("lag",)


class Glimpse:
    """The part of a monitor that a line needs: no statements, and what changes slowly more seldom."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self.metrics: Sequence[Metric] = monitor.metrics
        self.sources: Sequence[Source] = [
            Source(s.sections, s.fetch, max(s.every, _SLOW) if s.every else 0.0, s.timeout, s.wanted)
            for s in monitor.sources
            if "statements" not in s.sections
        ]

    @property
    def cost(self) -> Cost:
        """See `engines.base.Monitor`."""
        return self._monitor.cost

    async def reconnect(self) -> Server:
        """See `engines.base.Monitor`."""
        return await self._monitor.reconnect()


@dataclass(frozen=True, slots=True)
class Line:
    """One server at the moment of its newest sample. Figures are None where it has no such thing, or is not known."""

    target: Target
    link: Link
    trouble: str
    product: str = ""
    version: str = ""
    role: str = ""
    load: float | None = None
    waiting: float | None = None
    longest: float = 0.0  # seconds that somebody has waited behind a root
    connections: int | None = None
    limit: int | None = None
    lag: float | None = None  # seconds
    errors: float | None = None  # a second
    taken_at: float | None = None  # epoch seconds
    findings: tuple[Finding, ...] = ()

    def age(self, now: float) -> float | None:
        """Seconds since its figures were taken; None before the first."""
        return None if self.taken_at is None else max(0.0, now - self.taken_at)


class Member:
    """One server of the fleet, watched."""

    def __init__(
        self, target: Target, changes: Changes, interval: float, changed: Callable[[], None]
    ) -> None:
        self.target = target
        self._changes = changes
        self._interval = interval
        self._changed = changed
        self._engine: Engine | None = None
        self._task: asyncio.Task[None] | None = None
        self._watch: HealthWatch | None = None
        self.line = Line(target, Link.CONNECTING, "")

    def start(self, after: float) -> None:
        """Begin after some seconds."""
        self._task = asyncio.create_task(self._run(after), name=f"fleet: {self.target.name}")

    async def _run(self, after: float) -> None:
        await asyncio.sleep(after)
        try:
            self._engine = create(self.target)
        except DbtuiError as error:
            self.line = Line(self.target, Link.CLOSED, str(error))
            self._changed()
            return
        self._watch = HealthWatch(self._engine.name, self._changes)
        monitor = Glimpse(self._engine.monitor)
        await Sampler(self._engine.open, monitor, interval=self._interval, on_snapshot=self._take).run()

    def _take(self, snapshot: Snapshot) -> None:
        assert self._watch is not None
        self.line = line_of(self.target, snapshot, self._watch)
        self._changed()

    async def stop(self) -> None:
        """End it; waits for no server."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_FAREWELL / 5)
        if self._engine is not None:
            await self._engine.close()


class Fleet:
    """Watches servers. `changed` is called in the event loop whenever a line is new."""

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        changes: Changes | None = None,
        interval: float = INTERVAL,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._tell = changed
        self._news = asyncio.Event()
        self.members = tuple(Member(target, changes or {}, interval, self._heard) for target in targets)

    def _heard(self) -> None:
        self._news.set()
        self._tell()

    @property
    def lines(self) -> tuple[Line, ...]:
        """The newest line of each server, in the order they were given."""
        return tuple(member.line for member in self.members)

    def start(self) -> None:
        """Begin to connect and to sample."""
        for number, member in enumerate(self.members):
            member.start(number * _STAGGER)

    async def stop(self) -> None:
        """End everything; waits for no server."""
        try:
            async with asyncio.timeout(_FAREWELL):
                await asyncio.gather(*(member.stop() for member in self.members))
        except TimeoutError:
            pass

    async def first_round(self, seconds: float) -> None:
        """Wait until each server has answered or failed, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                while any(_pending(line) for line in self.lines):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pass


def _pending(line: Line) -> bool:
    """Whether neither figures nor a reason for their absence is there; rates need a second sample."""
    return not line.trouble and line.taken_at is None


def line_of(target: Target, snapshot: Snapshot, watch: HealthWatch) -> Line:
    """What a line says of a snapshot."""
    server, activity = snapshot.server, snapshot.activity.value
    findings = watch.take(snapshot)
    roots = watch.scene(snapshot).roots
    return Line(
        target=target,
        link=snapshot.link,
        trouble=snapshot.trouble or snapshot.activity.error,
        product=server.product if server else "",
        version=server.version if server else "",
        role=server.role if server else "",
        load=_figure(snapshot, LOAD),
        waiting=_figure(snapshot, WAITS),
        longest=max((root.longest for root in roots), default=0.0),
        connections=activity.connections if activity else None,
        limit=activity.limit if activity else None,
        lag=_figure(snapshot, LAG),
        errors=_figure(snapshot, ERRORS),
        taken_at=snapshot.activity.taken_at,
        findings=findings,
    )


def _figure(snapshot: Snapshot, names: Sequence[str]) -> float | None:
    """The first of these metrics that the server has."""
    return next((value for name in names if (value := snapshot.metrics.get(name)) is not None), None)
