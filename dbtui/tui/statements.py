"""The statement pane of one session. Imported with the pane, on its first visit."""

from __future__ import annotations

from dbtui.live.session import ConsoleSession
from dbtui.tui.views.statements import StatementsView


def pane(session: ConsoleSession, *, charts: bool) -> StatementsView:
    """The pane, as it begins: a log's statements all at once, a server's by what ran last."""
    is_log = session.target.scheme == "log"
    view = StatementsView(session.history, charts=charts and not is_log, whole=is_log)
    view.example = session.example
    view.part = session.player is not None
    return view
