"""Hand over: the incident note goes to the clipboard and into a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbtui.live import handover
from dbtui.text import one_line

if TYPE_CHECKING:
    from dbtui.tui.screens.main import MainScreen


async def hand_over(console: MainScreen) -> None:
    """Write the note on the moment that is shown."""
    snapshot = console.past.snapshot or console.snapshot
    if snapshot is None:
        console.say("there is nothing to hand over yet", "warning")
        return
    findings = console.watching.findings if console.watching is not None else ()
    session = console.session
    content = handover.note(
        console.target, console.engine.name, snapshot, session.history, console.engine.monitor.metrics,
        session.deeds, [f"{f.severity}: {one_line(f.message, 300)}" for f in findings],
    )  # fmt: skip
    console.app.copy_to_clipboard(content)
    try:
        path = handover.save(console.target, content)
    except OSError as error:
        console.say(f"the note is in the clipboard, but not in a file: {error.strerror}", "warning")
        return
    console.say(f"the incident note is in the clipboard and in {path}", "information")
