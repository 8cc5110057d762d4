"""The statements of a log added up by their shape, in the form that the statement pane draws."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace

from dbtui.model.activity import Statement, Statements
from dbtui.model.log import LogEntry

MOST_SHAPES = 20_000
LONGEST = 20_000  # characters of a statement by which its shape is told
Text = Callable[[str], str]


@dataclass(slots=True)
class _Sum:
    """What is known of one shape so far."""

    statement: Statement
    calls: int = 0
    ms: float = 0.0
    rows: int | None = None
    rows_read: int | None = None
    worst: float = -1.0
    example: str = ""  # of the execution that took longest: its parameters are realistic


class Ranking:
    """`shape` makes one key of statements that differ in their literals only, `mask` the text shown of them."""

    def __init__(self, source: str, shape: Text, mask: Text) -> None:
        self._source = source
        self._shape = shape
        self._mask = mask
        self._sums: dict[str, _Sum] = {}
        self._callers: dict[str, Statement] = {}
        self.entries = 0
        self.evicted = 0
        self.first: float | None = None
        self.last: float | None = None

    def add(self, entry: LogEntry) -> None:
        """Add one execution."""
        self.entries += 1
        if entry.at is not None:
            self.first = entry.at if self.first is None else min(self.first, entry.at)
            self.last = entry.at if self.last is None else max(self.last, entry.at)
        text = entry.text[:LONGEST]
        id_ = f"{self._shape(text)}/{entry.user}/{entry.database}"
        known = self._sums.get(id_)
        if known is None:
            shown = Statement(
                id_, id_.partition("/")[0], entry.database, entry.user, self._mask(text), 0, 0.0
            )
            known = self._sums[id_] = _Sum(shown)
            if len(self._sums) > MOST_SHAPES:
                self._evict()
        known.calls += 1
        known.ms += entry.ms or 0.0
        known.rows = _added(known.rows, entry.rows)
        known.rows_read = _added(known.rows_read, entry.rows_read)
        if (entry.ms or 0.0) > known.worst:
            known.worst, known.example = entry.ms or 0.0, entry.text
        for dimension in ("application", "client"):
            self._caller(dimension, getattr(entry, dimension), entry)

    def _caller(self, dimension: str, name: str, entry: LogEntry) -> None:
        id_ = f"{dimension}/{name}"
        known = self._callers.get(id_)
        if known is None:
            if len(self._callers) >= MOST_SHAPES:
                return
            known = Statement(id_, "", "", "", name or "(none)", 0, 0.0)
        self._callers[id_] = replace(
            known, calls=known.calls + 1, total_ms=known.total_ms + (entry.ms or 0.0)
        )

    def _evict(self) -> None:
        kept = heapq.nlargest(MOST_SHAPES // 2, self._sums.items(), key=lambda item: item[1].ms)
        self.evicted += len(self._sums) - len(kept)
        self._sums = dict(kept)

    def statements(self) -> Statements:
        """All that was added so far."""
        made = tuple(
            replace(s.statement, calls=s.calls, total_ms=s.ms, rows=s.rows, rows_read=s.rows_read)
            for s in self._sums.values()
        )
        callers = tuple(self._callers.values())
        return Statements(made, self._source, evicted=self.evicted or None, callers=callers)

    def example(self, id_: str) -> str:
        """The slowest execution of a shape, as it was logged."""
        found = self._sums.get(id_)
        return found.example if found is not None else ""


def _added(sum_: int | None, more: int | None) -> int | None:
    return sum_ if more is None else (sum_ or 0) + more
