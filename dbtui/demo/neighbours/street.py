"""All other servers of one demo: launched one after the other, watched, and ended together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from dbtui.demo.neighbours.base import Neighbour
from dbtui.errors import DbtuiError


class Street:
    """Launched by `tend`, which never waits. One that does not start leaves a line in the log, and the rest goes on."""

    def __init__(self, neighbours: Sequence[Neighbour], log: Path) -> None:
        self._neighbours = neighbours
        self._log = log
        self._waiting = list(neighbours)
        self._launch: tuple[Neighbour, Iterator[None]] | None = None

    @property
    def settled(self) -> bool:
        """Whether none is being launched."""
        return self._launch is None and not self._waiting

    def urls(self) -> dict[str, str]:
        """Where each is found once it is launched."""
        return {one.name: one.url for one in self._neighbours}

    def pids(self) -> dict[str, int]:
        """Who runs now, by name."""
        return {name: pid for one in self._neighbours for name, pid in one.pids().items()}

    def tend(self) -> bool:
        """Go a step on with the launch of one, and see to the loads; whether any process changed."""
        loads = [one.tend() for one in self._neighbours]
        return self._go_on() or any(loads)

    def _go_on(self) -> bool:
        if self._launch is None:
            if not self._waiting:
                return False
            one = self._waiting.pop(0)
            self._launch = (one, one.begin())
        one, steps = self._launch
        before = one.pids()
        try:
            next(steps)
        except StopIteration:
            self._launch = None
        except (DbtuiError, OSError) as problem:
            self._launch = None
            one.stop()
            with self._log.open("a") as log:
                log.write(f"{time.strftime('%H:%M:%S')} {one.product} is not there: {problem}\n")
        return one.pids() != before

    def stop(self) -> None:
        """End all."""
        for one in self._neighbours:
            one.stop()
