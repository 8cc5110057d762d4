"""Which moment of the last half hour, or of a recording, is shown in place of the newest one."""

from __future__ import annotations

import time

from dbtui.errors import InputError
from dbtui.live.tape import Tape
from dbtui.model.snapshot import Snapshot


class Past:
    """A place on a tape. `snapshot` is None while the newest moment is shown."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.snapshot: Snapshot | None = None

    def move(self, now: float, samples: int = 0, seconds: float = 0.0) -> bool:
        """Go back (below zero) or forward by samples or seconds; `now` is the newest moment's time.

        False where there is nothing earlier. Past the newest moment it is shown again.
        """
        at = self.snapshot.at if self.snapshot is not None else now
        index = self._index(at, samples, seconds)
        if index is None:
            return False
        if self.tape.times[index] >= now:
            self.snapshot = None
            return True
        try:
            self.snapshot = self.tape.snapshot(index)
        except InputError:
            return False
        return True

    def _index(self, at: float, samples: int, seconds: float) -> int | None:
        tape = self.tape
        if not len(tape):
            return None
        if seconds:
            index = tape.index_at(at + seconds)
            return index if tape.times[index] != at else None
        here = tape.before(at) if samples < 0 else tape.after(at)
        if here is None:
            return len(tape) - 1 if samples > 0 else None
        return min(max(0, here + samples + (1 if samples < 0 else -1)), len(tape) - 1)

    def leave(self) -> None:
        """Show the newest moment again."""
        self.snapshot = None

    def label(self, now: float) -> str:
        """What the top bar says of the moment that is shown; "" for the newest one."""
        if self.snapshot is None:
            return ""
        minutes, seconds = divmod(max(0, round(now - self.snapshot.at)), 60)
        return f"{clock(self.snapshot.at)}, {minutes}:{seconds:02} back"


def clock(at: float) -> str:
    """A moment as the local time of day."""
    return time.strftime("%H:%M:%S", time.localtime(at))
