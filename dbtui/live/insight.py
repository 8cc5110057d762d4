"""What samples add up to: the load by wait class, who causes it, and what is different from a while ago."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dbtui.live.shifts import Ledger
from dbtui.model.activity import Activity, Session, Statement
from dbtui.model.snapshot import Metric, Snapshot

LONGEST = 10.0  # seconds at most that a sample stands for
MOST_CALLERS = 500  # names of applications, and of clients
MOST_EXAMPLES, LONGEST_EXAMPLE = 2_000, 20_000
RUNNING = "running"  # the class of a session that waits for nothing
_AT_WORK = frozenset({"active", "blocked"})
_KINDS = frozenset({"client backend", "parallel worker", ""})


def at_work(sessions: Iterable[Session]) -> list[Session]:
    """The sessions that make the load: what runs or waits for a client, no idle one and no background process."""
    return [s for s in sessions if s.state in _AT_WORK and s.kind in _KINDS and not s.hidden]


def load_of(working: Iterable[Session]) -> dict[str, float]:
    """How many sessions are active in each wait class. Averaged over samples these are average active sessions."""
    load: dict[str, float] = {}
    for session in working:
        name = session.wait_type or RUNNING
        load[name] = load.get(name, 0.0) + 1.0
    return load


class Insight:
    """Takes every sample of one server. `now` is always of a steady clock, in seconds."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics
        self.forget()

    def forget(self) -> None:
        """Another server may answer from now on."""
        self._ledger = Ledger(self._metrics)
        self._callers: dict[str, Statement] = {}
        self._examples: dict[str, str] = {}
        self._seen_at: float | None = None
        self._activity: Activity | None = None

    def take(self, snapshot: Snapshot, now: float) -> Mapping[str, Any]:
        """What a sample adds to its snapshot."""
        activity = snapshot.activity.value
        if activity is None or activity is self._activity or snapshot.activity.error:
            return {}
        self._activity = activity
        seconds = 0.0 if self._seen_at is None else min(max(0.0, now - self._seen_at), LONGEST)
        self._seen_at = now
        working = at_work(activity.sessions)
        self._count(working, seconds)
        self._learn(working)
        self._ledger.take(snapshot, working, now, seconds)
        return {"load": load_of(working), "shifts": self._ledger.shifts}

    def _count(self, working: Sequence[Session], seconds: float) -> None:
        seen: Counter[tuple[str, str]] = Counter()
        for session in working:
            seen[("application", session.application)] += 1
            seen[("client", _host(session.client))] += 1
        for (dimension, name), times in seen.items():
            id_ = f"{dimension}/{name}"
            caller = self._callers.get(id_) or Statement(id_, "", "", "", name or "(none)", 0, 0.0)
            self._callers[id_] = replace(caller, total_ms=caller.total_ms + seconds * 1000 * times)
        if len(self._callers) > 4 * MOST_CALLERS:
            kept = heapq.nlargest(2 * MOST_CALLERS, self._callers.values(), key=lambda s: s.total_ms)
            self._callers = {s.id: s for s in kept}

    def _learn(self, working: Iterable[Session]) -> None:
        for session in working:
            if session.query_id and session.query and session.query_id not in self._examples:
                if len(self._examples) >= MOST_EXAMPLES:
                    self._examples.clear()
                self._examples[session.query_id] = session.query[:LONGEST_EXAMPLE]

    def callers(self) -> tuple[Statement, ...]:
        """Who was seen at work since the connect: times are those that samples stand for, calls are not known."""
        return tuple(heapq.nlargest(MOST_CALLERS, self._callers.values(), key=lambda s: s.total_ms))

    def example(self, query_id: str) -> str:
        """A statement of that id as a session was seen to run it, with its own values; "" where none was."""
        return self._examples.get(query_id, "")


def _host(client: str) -> str:
    """The host of `host:port`; an IPv6 address without brackets stays as it is."""
    name, _, port = client.rpartition(":")
    return name if port.isdigit() and name and (":" not in name or name.endswith("]")) else client
