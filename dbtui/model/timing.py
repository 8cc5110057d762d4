"""Times of a statement that was run again and again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

PERCENTS = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Timing:
    """One side of a comparison. Times are milliseconds, as they were seen from here, with all rows read."""

    name: str  # "before", "after"
    sql: str
    first: float  # the run before all others, which fills caches; in no percentile
    runs: tuple[float, ...]
    rows: int  # of each run; of the last one where they differ

    def percentile(self, percent: int) -> float | None:
        """See `percentile`; None where only the first run fitted into the time."""
        return percentile(self.runs, percent) if self.runs else None


def percentile(values: Sequence[float], percent: int) -> float:
    """The least of the values that `percent` % of them do not exceed: the nearest rank, which was really measured.

    Source: https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def telling(runs: int, percent: int) -> bool:
    """Whether so many runs tell a percentile from their greatest value."""
    return math.ceil(percent / 100 * runs) < runs


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a bench has measured: one side, or two in turns."""

    server: str
    sides: tuple[Timing, ...]
    notes: tuple[str, ...] = ()
    at: str = ""  # when, as ISO 8601 with the offset from UTC

    def ratio(self, percent: int) -> float | None:
        """The second side's percentile as a multiple of the first one's."""
        found = [side.percentile(percent) for side in self.sides]
        return found[1] / found[0] if len(found) == 2 and found[0] and found[1] is not None else None
