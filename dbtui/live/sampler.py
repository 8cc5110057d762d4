"""Asks one server again and again, and makes of the answers one snapshot after the other.

One task for a connection. Whatever the server does, a snapshot keeps coming: each question has its own limit
of time, a failed one keeps the last value with its age and the time of the next try, and a lost session is
opened anew, after a longer pause each time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dbtui.engines.base import Monitor
from dbtui.errors import (
    AuthenticationError,
    ConfigError,
    DbtuiError,
    PermissionDenied,
    QueryTimeout,
    SessionLost,
    UsageError,
)
from dbtui.live import rates
from dbtui.live.backoff import Backoff
from dbtui.live.history import History
from dbtui.live.insight import Insight
from dbtui.model.activity import Activity, StatementDelta, Statements
from dbtui.model.server import Server
from dbtui.model.snapshot import Link, Section, SectionName, Snapshot, Source

PATIENCE = 1.0  # seconds without an answer until a snapshot says so, and again after each
GRACE = 1.0  # seconds above a question's own limit until the session counts as lost
SHARE = 0.2  # of the time, at most, that the server is kept busy with our questions
SLOWEST = 30.0  # seconds between samples of a slow server, where no longer interval is asked for
TIMEOUTS = 2  # unanswered samples in a row until the session counts as lost
SHORTEST, LONGEST = 0.1, 3600.0  # seconds between samples


@dataclass(slots=True)
class _Plan:
    """When a source is asked next, on the loop's own clock."""

    source: Source
    backoff: Backoff
    due: float = 0.0
    owned: tuple[SectionName, ...] = field(default=())  # sections whose error and age this source tells


class Sampler:
    """Runs in the event loop as `run()`; hands every snapshot to `on_snapshot` there."""

    def __init__(
        self,
        first: Callable[[], Awaitable[Server]],
        monitor: Monitor,
        *,
        interval: float,
        on_snapshot: Callable[[Snapshot], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.history = History()
        self.insight = Insight(monitor.metrics)
        self.snapshot = Snapshot(at=clock(), interval=interval, pace=interval)
        self._first = first
        self._monitor = monitor
        self._report_to = on_snapshot
        self._clock = clock
        self._wake = asyncio.Event()
        self._forced = False
        self._reconnect = Backoff(0.5, 30.0)
        self._plans = _plans(monitor)
        self._readings: rates.Readings = {}
        self._statements: tuple[Statements, float] | None = None  # the sample before, and its time
        self._timeouts = 0
        self._lag = 1.0  # times the interval that a slow link needs
        self._busy = 0.0  # seconds that this sample's answers took
        self._moved = 0.0  # clock() minus the loop's clock: changes when the clock is set

    # ---- what the user may wish

    def pause(self, paused: bool) -> None:
        """Stop asking, or go on."""
        self._report(paused=paused)
        self._wake.set()

    def set_interval(self, seconds: float) -> None:
        """Sample every `seconds`, from now on."""
        seconds = min(LONGEST, max(SHORTEST, seconds))
        self._report(interval=seconds, pace=seconds)
        self._wake.set()

    def heed_link(self, slow: bool) -> None:
        """Take samples half as often while the way to the terminal is slow, and by and by as often as before."""
        most = max(1.0, SLOWEST / self.snapshot.interval)
        self._lag = min(most, self._lag * 2.0) if slow else max(1.0, self._lag / 2.0)

    def refresh(self) -> None:
        """Ask everything now, also when paused, and reconnect now when the session is lost."""
        self._forced = True
        self._wake.set()

    # ---- the loop

    async def run(self) -> None:
        """Connect and sample until cancelled."""
        await self._connect(self._first)
        while True:
            started = self._now()
            try:
                await self._tick()
            except SessionLost as error:
                await self._lose(error)
                await self._connect(self._monitor.reconnect)
                continue
            self._reconnect.succeeded()
            self._set_pace()
            await self._rest(started)

    async def _connect(self, open_: Callable[[], Awaitable[Server]]) -> None:
        """Open the session, however often it takes."""
        while True:
            self._forced = False
            self._wake.clear()
            try:
                server = await self._opened(open_)
            except DbtuiError as error:
                await self._await_next_try(error)
                continue
            self._forget()
            self._report(link=Link.LIVE, trouble="", next_try=None, server=server)
            return

    async def _opened(self, open_: Callable[[], Awaitable[Server]]) -> Server:
        """One try; it has its own limits of time, and snapshots come meanwhile."""
        task = asyncio.ensure_future(open_())
        try:
            while not (await asyncio.wait({task}, timeout=PATIENCE))[0]:
                self._report(next_try=None)
            return task.result()
        finally:
            _abandon(task)

    async def _await_next_try(self, error: DbtuiError) -> None:
        """Say what is wrong and wait; for a wrong password or setting, until the user asks for another try.

        Trying a refused password again and again can lock an account.
        """
        delay = self._reconnect.failed()
        hopeless = isinstance(error, AuthenticationError | UsageError | ConfigError)
        if hopeless and self.snapshot.server is None:
            self._report(link=Link.CLOSED, trouble=str(error), next_try=None)
            await self._woken(None)
            self._report(link=Link.CONNECTING)
            return
        if hopeless:
            delay = max(delay, 15.0)
        self._report(link=Link.LOST, trouble=str(error), next_try=self._clock() + delay)
        await self._woken(delay)

    async def _lose(self, error: SessionLost) -> None:
        """The first loss after a good sample is mended at once; one before any sample waits."""
        self._timeouts = 0
        self.history.add(self._clock(), {})
        if self._reconnect.failures:
            await self._await_next_try(error)
        else:
            self._reconnect.failed()
            self._report(link=Link.LOST, trouble=str(error), next_try=None)

    def _forget(self) -> None:
        """Another server may answer now: nothing is compared with what was before."""
        self._readings = {}
        self.insight.forget()
        self._moved = self._clock() - self._now()
        self._statements = None
        self.snapshot = replace(self.snapshot, deltas=())
        for plan in self._plans:
            plan.due = 0.0
            plan.backoff.succeeded()

    def _set_pace(self) -> None:
        """Ask a slow server less often. What failed has pauses of its own."""
        busy, self._busy = self._busy, 0.0
        wanted = busy / SHARE if busy > 0.05 else 0.0
        pace = max(self.snapshot.interval * self._lag, min(wanted, SLOWEST))
        if abs(pace - self.snapshot.pace) > 0.01:
            self._report(pace=pace)

    async def _rest(self, started: float) -> None:
        """Wait for the next sample's time; a changed interval is heeded at once."""
        while not self._forced:
            self._wake.clear()
            remaining = started + self.snapshot.pace - self._now()
            if self.snapshot.paused:
                await self._woken(None)
            elif remaining > 0:
                await self._woken(remaining)
            else:
                return

    async def _woken(self, seconds: float | None) -> None:
        """Wait until woken, at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    # ---- one sample

    async def _tick(self) -> None:
        """Ask what is due: what belongs to each tick is shown before the slower rest is asked."""
        forced, self._forced = self._forced, False
        self._check_clock()
        for plan in self._plans:
            if plan.source.every == 0:
                await self._ask(plan, forced)
        trouble = self.snapshot.activity.error
        self._set(self.insight.take(self.snapshot, self._now()))
        await asyncio.sleep(0)  # a key that came meanwhile need not wait for the recorder too
        load = {f"load:{name}": value for name, value in self.snapshot.load.items()}
        self.history.add(self._clock(), {} if trouble else {**self.snapshot.metrics, **load})
        self._report(trouble=trouble)
        slow = [plan for plan in self._plans if plan.source.every > 0 and (forced or plan.due <= self._now())]
        for plan in slow:
            await self._ask(plan, forced)
        if slow:
            self._report(trouble=trouble)

    def _check_clock(self) -> None:
        """After the clock was set, or this machine slept, nothing can be said about the time between."""
        moved = self._clock() - self._now()
        if abs(moved - self._moved) > 1.0:
            self._readings = {}
            self._moved = moved

    async def _ask(self, plan: _Plan, forced: bool) -> None:
        """One question, unless it is not due or not wanted. Raises SessionLost."""
        if not forced and plan.due > self._now():
            return
        source = plan.source
        if not source.wanted(self.snapshot):
            self._set({name: Section() for name in plan.owned})
            return
        asked_at, started = self._clock(), self._now()
        try:
            values = await self._answer(source)
        except SessionLost as error:
            self._failed(plan, error, self._now() - started, self._now())
            raise
        except DbtuiError as error:
            took = self._now() - started
            self._failed(plan, error, took, self._now() + plan.backoff.failed())
            self._count_timeout(source, error)
            return
        took = self._now() - started
        self._busy += took
        plan.backoff.succeeded()
        plan.due = started + source.every
        self._timeouts = 0 if source.every == 0 else self._timeouts
        self._take(plan, values, asked_at + took / 2, took)

    async def _answer(self, source: Source) -> Mapping[SectionName, Any]:
        """The source's values. Snapshots say how long none come; past its limit the session is lost."""
        task = asyncio.ensure_future(source.fetch(self.snapshot))
        started = self._now()
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=PATIENCE)
                if done:
                    return task.result()
                waited = self._now() - started
                if waited >= source.timeout + GRACE:
                    raise SessionLost(
                        f"the server has not answered for {waited:.0f} s", "the connection is opened again"
                    )
                self._report(trouble=f"the server has not answered for {waited:.0f} s")
        finally:
            _abandon(task)

    def _count_timeout(self, source: Source, error: DbtuiError) -> None:
        """A server that leaves samples of the tick unanswered is asked on a new session."""
        if source.every or not isinstance(error, QueryTimeout):
            return
        self._timeouts += 1
        if self._timeouts >= TIMEOUTS:
            raise SessionLost(str(error), "the connection is opened again") from error

    # ---- sections

    def _failed(self, plan: _Plan, error: DbtuiError, took: float, due: float) -> None:
        plan.due = due
        next_try = self._clock() + max(0.0, due - self._now())
        remedy = error.remedy if isinstance(error, PermissionDenied) else ""
        self._set(
            {
                name: replace(
                    getattr(self.snapshot, name),
                    error=str(error),
                    remedy=remedy,
                    took=took,
                    next_try=next_try,
                )
                for name in plan.owned
            }
        )

    def _take(self, plan: _Plan, values: Mapping[SectionName, Any], at: float, took: float) -> None:
        changed: dict[str, Any] = {}
        for name in plan.source.sections:
            value = values[name]
            if name == "counters":
                self._readings = rates.advance(self._readings, value, at)
                changed["metrics"] = {m.id: rates.measure(m, self._readings) for m in self._monitor.metrics}
                value = {**(self.snapshot.counters.value or {}), **value}
            elif name == "statements":
                changed["deltas"] = self._deltas(value, at)
                value = value if value.callers else replace(value, callers=self.insight.callers())
            if name in plan.owned:
                changed[name] = Section(value, at, took)
            else:
                changed[name] = replace(getattr(self.snapshot, name), value=value)
        self._set(changed)
        if "activity" in changed or "locks" in changed:
            self._mark_blocked()

    def _deltas(self, value: Statements, at: float) -> tuple[StatementDelta, ...]:
        before, self._statements = self._statements, (value, at)
        return () if before is None else rates.deltas(before[0], value, at - before[1])

    def _mark_blocked(self) -> None:
        """Write the blockers into the sessions that still wait, or whose parallel worker does."""
        section = self.snapshot.activity
        locks = self.snapshot.locks.value
        if section.value is not None and locks:
            self._set({"activity": replace(section, value=with_blockers(section.value, locks))})

    def _set(self, changed: Mapping[str, Any]) -> None:
        self.snapshot = replace(self.snapshot, at=self._clock(), **changed)

    def _report(self, **changed: Any) -> None:
        self._set({"cost": self._monitor.cost, **changed})
        self._report_to(self.snapshot)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def with_blockers(activity: Activity, locks: Mapping[str, tuple[str, ...]]) -> Activity:
    """The activity with `blocked_by` of each session that waits for a lock, itself or through its workers."""
    leaders = {s.leader for s in activity.sessions if s.leader and s.wait_type == "Lock"}
    return replace(
        activity,
        sessions=tuple(
            replace(s, blocked_by=locks[s.id])
            if s.id in locks
            and s.blocked_by != locks[s.id]  # told with the sample before
            and (s.wait_type == "Lock" or s.id in leaders)
            else s
            for s in activity.sessions
        ),
    )


def _plans(monitor: Monitor) -> list[_Plan]:
    """A plan for each source. A section belongs to the first source that names it."""
    taken: set[SectionName] = set()
    plans = []
    for source in monitor.sources:
        owned = tuple(name for name in source.sections if name not in taken)
        taken.update(owned)
        plans.append(_Plan(source, Backoff(max(source.every, 2.0), 300.0), owned=owned))
    return plans


def _abandon(task: asyncio.Future[Any]) -> None:
    """Cancel what has not ended. It is not awaited, since it may wait for the server."""
    if not task.done():
        task.cancel()
        task.add_done_callback(_heard)


def _heard(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()
