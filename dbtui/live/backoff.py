"""Waiting longer after each failure, never all at the same moment."""

from __future__ import annotations

import random
from collections.abc import Callable

_chance = random.SystemRandom().random  # consoles that lost one server must not return in step


class Backoff:
    """Delays in seconds that double from `first` to `most`, each taken at random from its upper half."""

    def __init__(self, first: float, most: float, *, chance: Callable[[], float] = _chance) -> None:
        self._first = first
        self._most = most
        self._chance = chance
        self.failures = 0

    def failed(self) -> float:
        """Count a failure; the delay before the next try."""
        delay = min(self._most, self._first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return delay * (0.5 + 0.5 * self._chance())

    def succeeded(self) -> None:
        """Begin anew."""
        self.failures = 0
