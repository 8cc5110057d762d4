"""Telling the person at the terminal, and others, that an alert began or ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dbtui import text
from dbtui.live.alerts import Alert, alerts_file
from dbtui.live.notify import notify

if TYPE_CHECKING:
    from dbtui.tui.screens.main import MainScreen


async def tell(console: MainScreen, news: Sequence[Alert]) -> None:
    """A toast for each, and what its rule asks for besides."""
    for alert in news:
        console.say(alert.text, "warning" if alert.firing else "information")
        line = text.printable(f"dbtui {console.target.name}: {alert.text}")
        if alert.firing and "bell" in alert.rule.notify:
            console.app.bell()
        if "osc9" in alert.rule.notify:
            _osc9(console, line)
        for trouble in await notify(alert, console.target.name, alerts_file()):
            console.say(trouble, "error")


def _osc9(console: MainScreen, line: str) -> None:
    """A notification of the desktop, by the terminal (iTerm2's OSC 9; others let it pass)."""
    driver = console.app._driver
    if driver is not None and not console.app.is_headless:
        driver.write(f"\x1b]9;{line[:200]}\x07")
