"""How fast long operations go, and how long they may still take: a range, since no phase goes at one speed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from dbtui.model.activity import Progress

WINDOW = 300.0  # seconds that a speed is told over
_POINTS = 120
_SHORTEST = 3.0  # seconds between two points until a speed is told


@dataclass(frozen=True, slots=True)
class Pace:
    """An operation with its speed in units a second, and the seconds it may still take; None is not known."""

    progress: Progress
    speed: float | None = None
    least: float | None = None
    most: float | None = None

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1."""
        total = self.progress.total
        return min(1.0, self.progress.done / total) if total else None


class Paces:
    """Remembers how far each operation was. A new phase, or one that went back, begins anew."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], deque[tuple[float, float]]] = {}

    def take(self, at: float, running: Iterable[Progress]) -> tuple[Pace, ...]:
        """The operations of a sample taken at `at` (epoch seconds), with their speed so far."""
        kept: dict[tuple[str, ...], deque[tuple[float, float]]] = {}
        paces = []
        for progress in running:
            key = (progress.session, progress.operation, progress.target, progress.phase)
            points = self._seen.get(key) or deque(maxlen=_POINTS)
            if points and (progress.done < points[-1][1] or at < points[-1][0]):
                points.clear()
            if not points or at > points[-1][0]:
                points.append((at, progress.done))
            while points[0][0] < at - WINDOW:
                points.popleft()
            kept[key] = points
            paces.append(_pace(progress, tuple(points)))
        self._seen = kept
        return tuple(paces)


def _pace(progress: Progress, points: tuple[tuple[float, float], ...]) -> Pace:
    """What is left, at the fastest and the slowest speed of the thirds of the time so far.

    The two lie at least half as much above and below the speed of the whole: that it kept one speed until now
    does not say that it will. A third in which nothing moved leaves the end open.
    """
    if not progress.unit or len(points) < 2 or points[-1][0] - points[0][0] < _SHORTEST:
        return Pace(progress)
    overall = _speed(points[0], points[-1])
    if overall <= 0 or progress.total is None:
        return Pace(progress, overall)
    last = len(points) - 1
    cuts = [points[round(n * last / 3)] for n in range(4)] if last >= 6 else [points[0], points[last]]
    speeds = [_speed(one, other) for one, other in pairwise(cuts)]
    fastest, slowest = max(*speeds, overall * 1.5), min(*speeds, overall / 1.5)
    left = max(0.0, progress.total - progress.done)
    return Pace(progress, overall, left / fastest, left / slowest if slowest > 0 else None)


def _speed(one: tuple[float, float], other: tuple[float, float]) -> float:
    return (other[1] - one[1]) / (other[0] - one[0])
