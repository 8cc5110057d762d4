"""What the console itself causes, in its own corner: statements and time of the server, bytes to the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message

from dbtui import text
from dbtui.model.snapshot import Snapshot
from dbtui.tui.terminal import TerminalDriver
from dbtui.tui.widgets.roles import Role, glyphs
from dbtui.tui.widgets.status import Piece, Run

EVERY = 5.0  # seconds between two figures: they are to cost nothing themselves
HELD = 0.2  # part of the time that the link may hold us up until samples are taken less often
ROOM = 26  # cells that the names of the panes leave on 120 columns


@dataclass(frozen=True, slots=True)
class _Spent:
    """What was spent so far, and when that was read (a steady clock)."""

    at: float
    statements: int
    seconds: float
    sent: int
    held: float


class CostCorner(Run):
    """`own 2.2 q/s 4 ms 4.6 kB/s`: of each second, measured over the last ones.

    `slow_link` hears whether the link holds us up. Where the line has no room for it, `Measured` finds it another
    place.
    """

    DEFAULT_CSS = f"CostCorner.-end {{ width: {ROOM}; }}"

    class Measured(Message):
        """The figures are new."""

        def __init__(self, piece: Piece) -> None:
            super().__init__()
            self.piece = piece

    def __init__(self, latest: Callable[[], Snapshot], slow_link: Callable[[bool], None]) -> None:
        super().__init__(id="cost", classes="-end")
        self._latest = latest
        self._slow_link = slow_link
        self._before: _Spent | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(EVERY, self.measure)

    def measure(self) -> None:
        """Show what was spent since the last time."""
        snapshot = self._latest()
        driver = self.app._driver
        sent, held = (driver.sent, driver.held) if isinstance(driver, TerminalDriver) else (0, 0.0)
        cost = snapshot.cost
        now = _Spent(time.monotonic(), cost.statements, cost.server_seconds, sent, held)
        before, self._before = self._before, now
        if before is None or now.at <= before.at:
            return
        seconds = now.at - before.at
        self._slow_link((now.held - before.held) / seconds > HELD)
        said, role = piece(snapshot, before, now)
        self.show(((said, role), (" ", role)))
        self.post_message(self.Measured((said, role)))


def piece(snapshot: Snapshot, before: _Spent, now: _Spent) -> Piece:
    """The corner's text; it says so when samples are taken less often than was asked for."""
    seconds = now.at - before.at
    asked = max(0, now.statements - before.statements) / seconds
    server = max(0.0, now.seconds - before.seconds) / seconds * 1000
    sent = f"{server:.0f} ms {text.size((now.sent - before.sent) / seconds)}/s"
    said = f"own {asked:.1f} q/s {sent}"
    said = said if len(said) <= ROOM else f"own {asked:.0f} q/s {sent}"
    if snapshot.pace > snapshot.interval * 1.05:
        return f"{glyphs().high} slow: every {snapshot.pace:.0f} s", Role.WARN
    return said, Role.MUTED
