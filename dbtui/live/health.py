"""Watches a server by the rules about running servers, with what the last minutes add to the newest snapshot."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

from dbtui.live.blocking import Blocked, forest
from dbtui.model.finding import Finding
from dbtui.model.server import Server
from dbtui.model.snapshot import Link, Snapshot
from dbtui.rules.live import Changes, findings
from dbtui.rules.live.scene import Habit, Root, Scene, habit_before

SPAN = 300.0  # seconds over which the growth of counters is told
_WATCHED = 50  # statements of an interval whose habits are kept: those with most time
_MOST = 5000  # habits that are kept, until all begin anew
_EVERY = 5.0  # seconds between two kept readings


class HealthWatch:
    """Takes each snapshot of one server; `engine` is the folder's name."""

    def __init__(self, engine: str, changes: Changes | None = None) -> None:
        self.engine = engine
        self.changes = changes or {}
        self.findings: tuple[Finding, ...] = ()
        self._kept: deque[tuple[float, Mapping[str, float]]] = deque()
        self._habits: dict[str, Habit] = {}
        self._seen: tuple[object, ...] = ()
        self._server: Server | None = None

    def take(self, snapshot: Snapshot) -> tuple[Finding, ...]:
        """What the rules find now. Data that are no longer fresh say nothing new."""
        parts = (
            snapshot.activity.taken_at,
            snapshot.counters.taken_at,
            snapshot.health.taken_at,
            snapshot.deltas,
        )
        if snapshot.link is not Link.LIVE or parts == self._seen:
            return self.findings
        self._seen = parts
        if (
            snapshot.server != self._server
        ):  # restarted, or another after a failover: nothing of before is its own
            self._server = snapshot.server
            self._kept.clear()
            self._habits.clear()
        self._keep(snapshot)
        if len(self._habits) > _MOST:
            self._habits.clear()
        for delta in snapshot.deltas[:_WATCHED]:
            self._habits.setdefault(delta.statement.id, habit_before(delta))
        self.findings = findings(self.scene(snapshot), self.engine, self.changes)
        return self.findings

    def scene(self, snapshot: Snapshot) -> Scene:
        """The snapshot with its roots and the growth of its counters."""
        activity = snapshot.activity.value
        roots = roots_of(forest(activity.sessions)) if activity else ()
        return Scene(snapshot, roots, self._speeds(), self._habits)

    def _keep(self, snapshot: Snapshot) -> None:
        at, values = snapshot.counters.taken_at, snapshot.counters.value
        if at is None or values is None:
            return
        if self._kept and at < self._kept[-1][0]:
            self._kept.clear()  # the clock was set back
        if not self._kept or at - self._kept[-1][0] >= _EVERY:
            self._kept.append((at, values))
        while self._kept and self._kept[0][0] < at - SPAN:
            self._kept.popleft()

    def _speeds(self) -> dict[str, float]:
        """Growth a second of each counter over what was kept."""
        if len(self._kept) < 2:
            return {}
        (since, first), (until, last) = self._kept[0], self._kept[-1]
        return {name: (last[name] - first[name]) / (until - since) for name in last.keys() & first.keys()}


def roots_of(lines: Iterable[Blocked]) -> tuple[Root, ...]:
    """The roots of blocking trees, with what the first of those behind each waits for, and who else is waited for."""
    roots: list[Root] = []
    for line in lines:
        if line.depth == 0:
            roots.append(Root(line.session, line.waiting, line.longest, ""))
            continue
        if line.depth > 1:
            continue
        root = roots[-1]
        if not root.waits_on:
            root = replace(root, waits_on=line.session.waits_on)
        if line.waiting > root.behind_gate:
            root = replace(root, gate=line.session, behind_gate=line.waiting)
        roots[-1] = root
    return tuple(roots)
