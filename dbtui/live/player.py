"""Plays a recording where the console has a sampler: the same snapshots, in the same order, in the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from dbtui.errors import InputError
from dbtui.live.history import SPAN, History
from dbtui.live.tape import Tape
from dbtui.model.snapshot import Snapshot

LONGEST_WAIT = 5.0  # seconds between two samples, whatever gap the recording has


class Player:
    """See `live.sampler.Sampler`, whose wishes it understands: an interval half as long plays twice as fast."""

    def __init__(self, tape: Tape, on_snapshot: Callable[[Snapshot], None], *, start: int = 0) -> None:
        self.tape = tape
        self.history = History()
        self.snapshot = Snapshot(at=tape.times[start])
        self._report_to = on_snapshot
        self._wake = asyncio.Event()
        self._at = start
        self._step = 0  # what the user wishes to be skipped
        self._paused = False
        self._speed = 1.0
        self._recorded = 0.0  # the interval as it was recorded
        self._due = 0.0  # when the next sample is to be shown, on the loop's own clock

    @property
    def over(self) -> bool:
        """Whether the last sample is shown."""
        return self._at == len(self.tape) - 1

    def pause(self, paused: bool) -> None:
        """Stand still, or go on."""
        self._paused = paused
        self._report()
        self._wake.set()

    def set_interval(self, seconds: float) -> None:
        """Take `seconds` from one sample to the next."""
        self._speed = max(0.01, self._recorded / seconds) if self._recorded else 1.0
        self._report()
        self._wake.set()

    def refresh(self) -> None:
        """Go on to the next sample now."""
        self.skip(1)

    def skip(self, samples: int) -> None:
        """Go on by so many samples now."""
        self._step += samples
        self._wake.set()

    async def run(self) -> None:
        """Play to the end, and stay there."""
        self._fill(self._at)
        self._show()
        while True:
            self._wake.clear()
            await self._rest()
            target = min(len(self.tape) - 1, self._at + max(0, self._step))
            self._step = 0
            if target == self._at and not self._paused and self._is_due():
                target += 1
            if target > self._at:
                for at, metrics in self.tape.metrics(self._at + 1, target):
                    self.history.add(at, metrics)
                self._at = target
                self._show()

    def _is_due(self) -> bool:
        return self._at + 1 < len(self.tape) and asyncio.get_running_loop().time() >= self._due

    async def _rest(self) -> None:
        """Wait until the next sample's time has come, or the user wishes something."""
        if self._step:
            return
        left: float | None = self._due - asyncio.get_running_loop().time()
        if self._paused or self._at + 1 >= len(self.tape):
            left = None
        try:
            async with asyncio.timeout(None if left is None else max(0.0, left)):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _fill(self, index: int) -> None:
        """The figures of the half hour up to a sample, for the charts."""
        first = self.tape.index_at(self.tape.times[index] - SPAN)
        for at, metrics in self.tape.metrics(first, index):
            self.history.add(at, metrics)

    def _show(self) -> None:
        times, here = self.tape.times, self._at
        gap = times[here + 1] - times[here] if here + 1 < len(times) else 0.0
        self._due = asyncio.get_running_loop().time() + min(gap, LONGEST_WAIT) / self._speed
        try:
            self.snapshot = self.tape.snapshot(here)
        except InputError as error:
            self.snapshot = replace(self.snapshot, at=times[here], trouble=str(error))
        self._recorded = self.snapshot.interval
        self._report()

    def _report(self) -> None:
        self.snapshot = replace(
            self.snapshot,
            paused=self._paused,
            interval=self._recorded / self._speed if self._recorded else self.snapshot.interval,
        )
        self._report_to(self.snapshot)
