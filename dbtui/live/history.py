"""The last half hour of every metric, in memory that does not grow."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping
from itertools import islice

SPAN = 1800.0  # seconds
CAPACITY = 3600  # points of a metric: half an hour at two samples a second


class History:
    """Points of each metric, oldest first. A value of None is a gap."""

    def __init__(self, *, span: float = SPAN, capacity: int = CAPACITY) -> None:
        self._span = span
        self._times: deque[float] = deque(maxlen=capacity)
        self._values: dict[str, deque[float | None]] = {}
        self._capacity = capacity

    def add(self, at: float, metrics: Mapping[str, float | None]) -> None:
        """Append one sample, taken at `at` (epoch seconds). A clock that was set back starts the history
        anew.
        """
        if self._times and at < self._times[-1]:
            self._times.clear()
            self._values.clear()
        for name in metrics.keys() - self._values.keys():
            self._values[name] = deque([None] * len(self._times), maxlen=self._capacity)
        self._times.append(at)
        for name, values in self._values.items():
            values.append(metrics.get(name))
        while self._times[0] < at - self._span:
            self._times.popleft()
            for values in self._values.values():
                values.popleft()

    def series(
        self, name: str, last: int | None = None, *, until: float | None = None
    ) -> tuple[float | None, ...]:
        """The values of a metric, oldest first; only the `last` ones, and those not after `until`, where given."""
        values = self._values.get(name)
        if values is None:
            return ()
        end = len(values)
        if until is not None and end and self._times[-1] > until:
            end = bisect_right(self._times, until)
        start = 0 if last is None else max(0, end - last)
        return tuple(islice(values, start, end))

    def names(self) -> tuple[str, ...]:
        """The metrics that have values."""
        return tuple(self._values)

    def times(self) -> tuple[float, ...]:
        """When the values of every series were taken, in epoch seconds."""
        return tuple(self._times)

    def at(self, name: str, when: float) -> float | None:
        """The value of a metric at the first sample not before `when` (epoch seconds), else its last."""
        values = self._values.get(name)
        if not values:
            return None
        return values[min(bisect_left(self._times, when), len(values) - 1)]
