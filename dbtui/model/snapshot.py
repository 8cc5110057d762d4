"""One moment of a server, in sections that each carry their own age, cost and error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Literal, TypeVar

from dbtui.model.activity import Activity, Health, StatementDelta, Statements
from dbtui.model.server import Server
from dbtui.model.shift import Shift

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Section(Generic[T]):
    """A part of a snapshot. After a failure `value` is the last good one and `taken_at` its time."""

    value: T | None = None
    taken_at: float | None = None  # epoch seconds of `value`
    took: float = 0.0  # seconds, of the last try
    error: str = ""  # of the last try; "" when it succeeded
    remedy: str = ""  # the statement that would help, for example a GRANT
    next_try: float | None = None  # epoch seconds; set while failing

    def age(self, now: float) -> float | None:
        """Seconds since the value was taken; None when there is none yet."""
        return None if self.taken_at is None else max(0.0, now - self.taken_at)


class Link(StrEnum):
    """How the connection to a server stands."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Cost:
    """What the console itself causes on the server, since it connected."""

    statements: int = 0
    server_seconds: float = 0.0  # wall time from the question to the answer, network included


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the live views draw. Counters are raw; rates are per second, by difference."""

    at: float  # epoch seconds
    link: Link = Link.CONNECTING
    trouble: str = ""  # one line: what is wrong with the link, "" when nothing is
    next_try: float | None = None  # epoch seconds of the next reconnect
    interval: float = 2.0  # seconds between samples, as asked for
    pace: float = 2.0  # seconds between samples now: longer than `interval` while the server is slow
    paused: bool = False
    server: Server | None = None
    activity: Section[Activity] = field(default_factory=Section)
    counters: Section[Mapping[str, float]] = field(default_factory=Section)
    locks: Section[Mapping[str, tuple[str, ...]]] = field(default_factory=Section)  # session → blockers
    statements: Section[Statements] = field(default_factory=Section)
    health: Section[Health] = field(default_factory=Section)
    metrics: Mapping[str, float | None] = field(default_factory=dict)  # Metric.id → its value now
    deltas: tuple[StatementDelta, ...] = ()  # between the last two samples of `statements`
    cost: Cost = field(default_factory=Cost)
    load: Mapping[str, float] = field(default_factory=dict)  # wait class → sessions that were active in it
    shifts: tuple[Shift, ...] = ()  # the last minute against the ten before, the greatest first


SectionName = Literal["activity", "counters", "locks", "statements", "health"]


@dataclass(frozen=True, slots=True)
class Source:
    """One question that the sampler puts on the monitor connection, and the sections its answer fills.

    `fetch` gets the newest snapshot and returns a value for each of `sections`. It raises PermissionDenied,
    QueryError or QueryTimeout where only this source fails, SessionLost where the connection is gone.
    """

    sections: tuple[SectionName, ...]
    fetch: Callable[[Snapshot], Awaitable[Mapping[SectionName, Any]]]
    every: float = 0.0  # seconds at least between two tries; 0 is each tick
    timeout: float = 5.0  # seconds
    wanted: Callable[[Snapshot], bool] = lambda _snapshot: True  # a cheap gate before a dear question


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure made of counters, drawn as a chart or a number.

    rate:  the sum of `numerator` counters per second.
    gauge: the sum of `numerator` counters as it is.
    ratio: growth of `numerator` over growth of `numerator` + `denominator`, None when neither grew.
    """

    id: str
    label: str
    kind: Literal["rate", "gauge", "ratio"]
    numerator: tuple[str, ...]
    denominator: tuple[str, ...] = ()
    unit: Literal["count", "bytes", "fraction", "seconds"] = "count"
    limit: str = ""  # name of the counter that holds its maximum, for example max_connections
    warn_above: float | None = None  # in its own unit, or a fraction of `limit` where there is one
    warn_below: float | None = None
