"""What changed: the last minute against the ten before it, of everything that samples tell.

Load is measured in average active sessions, whether statements, waits, tables or applications cause it, so that
changes of different things can be ranked: by how much, and by how many times as much.
"""

from __future__ import annotations

import heapq
import math
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dbtui.model.activity import Session
from dbtui.model.shift import Shift, ShiftKind, Unit
from dbtui.model.snapshot import Metric, Snapshot

BUCKET = 10.0  # seconds; what changed is judged as often
NOW, BEFORE = 6, 60  # buckets: a minute against ten
ENOUGH = 6  # buckets of the time before, until anything is said
MOST_SUBJECTS = 2_000  # of one bucket
MOST_TEXTS = 10_000  # whose tables are known: more than sessions run at once
MOST_STATEMENTS = 50  # of one sample of counters
MOST = 20  # changes that are told
RATIO = 1.5  # times as much, or as little
_LEAST: Mapping[Unit, float] = {  # difference from which on a change counts
    "sessions": 0.2, "connections": 5.0, "per minute": 1.0, "per second": 1.0, "bytes per second": 65_536.0,
}  # fmt: skip
_TABLE = re.compile(
    r'\b(?:from|join|update|into)\s+(?:only\s+)?((?:[\w$]++|"[^"]+"|`[^`]+`)(?:\.(?:[\w$]++|"[^"]+"|`[^`]+`))?+)(?!\s*\()',
    re.I,
)
_LONGEST = 2_000  # characters of a statement that are searched for tables
_NO_TABLES = frozenset({"select", "lateral", "unnest", "generate_series", "values", "set"})
Subject = tuple[ShiftKind, str, Unit]


def tables_of(query: str) -> frozenset[str]:
    """The tables that a SQL statement names behind FROM, JOIN, UPDATE and INTO, as it writes them."""
    found = (name.strip('"`') for name in _TABLE.findall(query[:_LONGEST]))
    return frozenset(name for name in found if name.lower() not in _NO_TABLES)


@dataclass(slots=True)
class _Bucket:
    """Ten seconds: what each subject came to, and how much of the time samples stand for."""

    begun: float
    seconds: float = 0.0
    sums: dict[Subject, float] = field(default_factory=dict)


class Ledger:
    """Takes samples of one server. `shifts` are those of the bucket that was closed last."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self.shifts: tuple[Shift, ...] = ()
        self._rates = [metric for metric in metrics if metric.kind == "rate"]
        self._closed: deque[_Bucket] = deque(maxlen=NOW + BEFORE)
        self._open: _Bucket | None = None
        self._tables: dict[str, frozenset[str]] = {}
        self._texts: dict[str, str] = {}  # of statements, by their ids
        self._counters: Mapping[str, float] = {}
        self._deltas: object = None

    def take(self, snapshot: Snapshot, working: Sequence[Session], now: float, seconds: float) -> None:
        """Add a sample that stands for `seconds`; `working` are its active sessions, `now` is a steady clock's."""
        bucket = self._open
        if bucket is None or now - bucket.begun >= BUCKET:
            if bucket is not None:
                self._closed.append(bucket)
                self.shifts = self._judged()
            bucket = self._open = _Bucket(now)
        bucket.seconds += seconds
        for subject, amount in self._amounts(snapshot, working, seconds):
            if subject in bucket.sums or len(bucket.sums) < MOST_SUBJECTS:
                bucket.sums[subject] = bucket.sums.get(subject, 0.0) + amount

    def _amounts(
        self, snapshot: Snapshot, working: Sequence[Session], seconds: float
    ) -> Iterator[tuple[Subject, float]]:
        activity = snapshot.activity.value
        everyone = activity.sessions if activity else ()
        seen: Counter[Subject] = Counter(("client", s.application or s.user, "connections") for s in everyone)
        for session in working:
            seen["wait", session.wait_type, "sessions"] += 1
            seen["client", session.application or session.user, "sessions"] += 1
            if session.wait_type == "Lock":
                seen["lock", "", "sessions"] += 1
            for table in self._tables_of(session.query[:_LONGEST]):
                seen["table", table, "sessions"] += 1
        for subject, times in seen.items():
            yield subject, times * seconds
        yield from self._statements(snapshot)
        yield from self._counted(snapshot, seconds)

    def _tables_of(self, query: str) -> frozenset[str]:
        known = self._tables.get(query)
        if known is None:
            if len(self._tables) > MOST_TEXTS:
                self._tables.clear()
            known = self._tables[query] = tables_of(query)
        return known

    def _statements(self, snapshot: Snapshot) -> Iterator[tuple[Subject, float]]:
        if snapshot.deltas is self._deltas:
            return
        self._deltas = snapshot.deltas
        for delta in snapshot.deltas[:MOST_STATEMENTS]:
            if delta.statement.query:
                self._texts[delta.statement.id] = delta.statement.query
            yield ("statement", delta.statement.id, "sessions"), delta.total_ms / 1000
        if len(self._texts) > MOST_SUBJECTS:
            self._texts.clear()

    def _counted(self, snapshot: Snapshot, seconds: float) -> Iterator[tuple[Subject, float]]:
        for metric in self._rates:
            value = snapshot.metrics.get(metric.id)
            if value is not None:
                unit: Unit = "bytes per second" if metric.unit == "bytes" else "per second"
                yield ("counter", metric.label, unit), value * seconds
        counters = snapshot.counters.value or {}
        for name, value in counters.items():
            if "checkpoints" in name and value > (before := self._counters.get(name, value)):
                yield ("checkpoint", name, "per minute"), (value - before) * 60
        self._counters = counters

    def _judged(self) -> tuple[Shift, ...]:
        buckets = list(self._closed)
        now, before = buckets[-NOW:], buckets[:-NOW]
        if len(before) < ENOUGH:
            return ()
        mine, theirs = _averages(now), _averages(before)
        found = (_shift(subject, mine, theirs) for subject in mine.keys() | theirs.keys())
        ranked = heapq.nlargest(MOST, (one for one in found if one is not None), key=lambda one: one.weight)
        return tuple(map(self._named, ranked))

    def _named(self, shift: Shift) -> Shift:
        """With a statement's text in the place of its id."""
        if shift.kind != "statement":
            return shift
        text = self._texts.get(shift.subject, shift.subject)
        return Shift(shift.kind, text, shift.now, shift.before, shift.unit, shift.weight)


def _averages(buckets: Sequence[_Bucket]) -> dict[Subject, float]:
    """Amounts a second of each subject over some buckets."""
    seconds = sum(bucket.seconds for bucket in buckets)
    sums: dict[Subject, float] = {}
    for bucket in buckets:
        for subject, amount in bucket.sums.items():
            sums[subject] = sums.get(subject, 0.0) + amount
    return {subject: amount / seconds for subject, amount in sums.items()} if seconds else {}


def _shift(subject: Subject, mine: Mapping[Subject, float], theirs: Mapping[Subject, float]) -> Shift | None:
    """The change of one subject; None for one that is not worth a word."""
    kind, name, unit = subject
    now, before = mine.get(subject, 0.0), theirs.get(subject, 0.0)
    least = _LEAST[unit]
    difference = abs(now - before)
    ratio = (max(now, before) + least / 4) / (min(now, before) + least / 4)
    if difference < least or ratio < RATIO:
        return None
    # A session more is worth as much as any other; rates have no common unit, so only their ratio counts.
    size = {"sessions": difference, "connections": difference / 10}.get(unit, 0.5)
    return Shift(kind, name, now, before, unit, size * math.log2(ratio))
