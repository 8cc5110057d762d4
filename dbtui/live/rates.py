"""Figures by difference: of counters between two readings, and of statements between two samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from dbtui.model.activity import Statement, StatementDelta, Statements
from dbtui.model.snapshot import Metric


@dataclass(frozen=True, slots=True)
class Reading:
    """A counter's newest value and the one before; `at` and `before_at` in epoch seconds."""

    value: float
    at: float
    before: float | None = None
    before_at: float | None = None

    @property
    def growth(self) -> float | None:
        """What was added since the reading before; None without one, or when the counter went backwards."""
        if self.before is None or self.value < self.before:
            return None
        return self.value - self.before

    @property
    def seconds(self) -> float | None:
        """Time between the two readings; None without one, or when the clock did not move forward."""
        if self.before_at is None or self.at <= self.before_at:
            return None
        return self.at - self.before_at


Readings = Mapping[str, Reading]


def advance(readings: Readings, values: Mapping[str, float], at: float) -> dict[str, Reading]:
    """The readings after `values` were read at `at`; counters that were not read stay as they are."""
    moved = dict(readings)
    for name, value in values.items():
        former = readings.get(name)
        moved[name] = Reading(value, at) if former is None else Reading(value, at, former.value, former.at)
    return moved


def measure(metric: Metric, readings: Readings) -> float | None:
    """A metric's value now, in its own unit. None while it cannot be known: a counter is missing, was read
    only once, or went backwards (a reset, a failover), or the clock was set back.
    """
    numerator = [readings.get(name) for name in metric.numerator]
    if metric.kind == "gauge":
        return _sum(None if reading is None else reading.value for reading in numerator)
    grown = _sum(None if reading is None else reading.growth for reading in numerator)
    if grown is None:
        return None
    if metric.kind == "ratio":
        rest = [readings.get(name) for name in metric.denominator]
        others = _sum(None if reading is None else reading.growth for reading in rest)
        return None if others is None or grown + others == 0 else grown / (grown + others)
    seconds = numerator[0].seconds if numerator and numerator[0] is not None else None
    return None if seconds is None else grown / seconds


def _sum(values: Iterable[float | None]) -> float | None:
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def deltas(before: Statements, after: Statements, seconds: float) -> tuple[StatementDelta, ...]:
    """What each statement did between two samples of one source, most time first; idle ones are left out.

    An entry that is new, or whose counters went backwards (a reset, or evicted and entered again), began in
    between: all it has counts. None of this can be said when the clock did not move forward.
    """
    if seconds <= 0 or before.source != after.source:
        return ()
    former = {} if before.reset != after.reset else {s.id: s for s in before.statements}
    found = [
        (now, _base(former.get(now.id), now)) for now in after.statements if former.get(now.id) is not now
    ]
    made = [_delta(now, base, seconds) for now, base in found]
    made = [delta for delta in made if delta.calls or delta.total_ms > 0]
    made.sort(key=lambda delta: -delta.total_ms)
    total = sum(delta.total_ms for delta in made)
    return tuple(replace(delta, share=delta.total_ms / total) for delta in made) if total else tuple(made)


def _base(before: Statement | None, now: Statement) -> Statement | None:
    """What to subtract: nothing when the entry began in between."""
    if before is None or now.calls < before.calls or now.total_ms < before.total_ms:
        return None
    return before


def _delta(now: Statement, base: Statement | None, seconds: float) -> StatementDelta:
    if base is None:
        base = _NOTHING
    return StatementDelta(
        statement=now,
        seconds=seconds,
        calls=now.calls - base.calls,
        total_ms=now.total_ms - base.total_ms,
        rows=_less(now.rows, base.rows),
        blocks_hit=_less(now.blocks_hit, base.blocks_hit),
        blocks_read=_less(now.blocks_read, base.blocks_read),
        temp_blocks=_less(now.temp_blocks, base.temp_blocks),
        wal_bytes=_less(now.wal_bytes, base.wal_bytes),
        plan_ms=_less(now.plan_ms, base.plan_ms),
        read_ms=_less(now.read_ms, base.read_ms),
        rows_read=_less(now.rows_read, base.rows_read),
        plans=_less(now.plans, base.plans),
    )


_NOTHING = Statement(id="", query_id="", database="", user="", query=None, calls=0, total_ms=0.0)
_N = TypeVar("_N", int, float)


def _less(now: _N | None, before: _N | None) -> _N | None:
    return None if now is None else now - (before or 0)
