"""What a rule about a running server is asked about, and what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dbtui.model.activity import Health, Session, StatementDelta
from dbtui.model.finding import Severity
from dbtui.model.snapshot import Snapshot

Unit = Literal["count", "bytes", "fraction", "seconds", "per second"]
Limits = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that a rule compares with, which the user may change by its name."""

    name: str
    value: float
    unit: Unit
    why: str  # what it is compared with, and why this is where it stands


@dataclass(frozen=True, slots=True)
class Root:
    """A session that others wait for, directly or behind each other, while it waits for nobody."""

    session: Session
    waiting: int
    longest: float  # seconds
    waits_on: str  # what the first of those behind it waits for: "Lock:transactionid"
    gate: Session | None = None  # the one that waits for it and is waited for by most, when somebody does
    behind_gate: int = 0


@dataclass(frozen=True, slots=True)
class Habit:
    """What a statement had done before it was first watched: the measure of what is usual for it."""

    calls: int
    total_ms: float
    blocks: int


def habit_before(delta: StatementDelta) -> Habit:
    """What it had done before this interval."""
    whole = delta.statement
    blocks = (
        (whole.blocks_hit or 0)
        + (whole.blocks_read or 0)
        - (delta.blocks_hit or 0)
        - (delta.blocks_read or 0)
    )
    return Habit(whole.calls - delta.calls, whole.total_ms - delta.total_ms, blocks)


@dataclass(frozen=True, slots=True)
class Scene:
    """A server at one moment: the newest snapshot, and what the last minutes add to it."""

    snapshot: Snapshot
    roots: tuple[Root, ...] = ()
    speeds: Mapping[str, float] = field(default_factory=dict)  # counter → growth a second, over some minutes
    habits: Mapping[str, Habit] = field(default_factory=dict)  # by Statement.id

    def counter(self, name: str) -> float | None:
        """A counter as the server counts it; None where it does not."""
        return (self.snapshot.counters.value or {}).get(name)

    def speed(self, name: str) -> float:
        """Growth of a counter a second; 0 while it is not known."""
        return self.speeds.get(name, 0.0)

    @property
    def product(self) -> str:
        """What answered, "" before anything did."""
        server = self.snapshot.server
        return server.product if server is not None else ""

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Those of the newest sample."""
        activity = self.snapshot.activity.value
        return activity.sessions if activity else ()

    @property
    def health(self) -> Health:
        """What changes slowly; empty before it was asked for."""
        return self.snapshot.health.value or Health()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule saw. `severity` None is the rule's own."""

    message: str
    advice: str
    evidence: Mapping[str, float | str]
    sql: tuple[str, ...] = ()
    object: str | None = None
    severity: Severity | None = None


def most_common(sessions: tuple[Session, ...]) -> tuple[str, int]:
    """The application (with its user and address) that has most of them, and how many."""
    names = Counter(
        f"{s.application or 'an unnamed application'} as {s.user}"
        + (f" from {_host(s.client)}" if s.client else "")
        for s in sessions
    )
    return names.most_common(1)[0] if names else ("", 0)


def _host(client: str) -> str:
    """An address without the port, which differs for each connection."""
    host, colon, port = client.rpartition(":")
    return host if colon and port.isdigit() and host.count(":") != 1 else client
