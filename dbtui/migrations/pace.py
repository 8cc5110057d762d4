"""How fast a backfill goes: the size of a batch follows how long the last one took, and each is followed by a rest.

The rest is what leaves room for others: with a rest as long as the batch, a backfill takes at most half of one
session's time. A batch grows by a fifth at most and is halved at once, as GitLab's batched migrations and pt-osc's
chunk time do in their own ways.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAST, MOST = 10, 50_000  # rows of a batch
TARGET = 0.1  # seconds that a batch should take
REST = 1.0  # rest after a batch, as a multiple of what it took
_GROWTH, _SHRINK = 1.2, 0.5
_GEARS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # multiples of REST; faster to slower


@dataclass(slots=True)
class Pace:
    """The size of the next batch (rows) and the rest before it (seconds)."""

    batch: int
    gear: int = 2  # an index of _GEARS

    def took(self, seconds: float, *, crowded: bool) -> float:
        """Learn from a batch; the rest before the next one. `crowded`: others had to wait for its locks."""
        factor = min(_GROWTH, max(_SHRINK, TARGET / seconds)) if seconds > 0 else _GROWTH
        self.resize(_SHRINK if crowded else factor)
        return seconds * REST * _GEARS[self.gear]

    def failed(self) -> None:
        """A batch met a deadlock or a timeout."""
        self.resize(_SHRINK)

    def resize(self, factor: float) -> None:
        self.batch = max(LEAST, min(MOST, round(self.batch * factor)))

    def slower(self) -> None:
        self.gear = min(len(_GEARS) - 1, self.gear + 1)

    def faster(self) -> None:
        self.gear = max(0, self.gear - 1)

    @property
    def share(self) -> float:
        """Of one session's time that the backfill may use, 0 to 1."""
        return 1 / (1 + REST * _GEARS[self.gear])
