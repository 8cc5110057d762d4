"""The panes of a console: which digit shows which, and how each is made."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dbtui.live.session import ConsoleSession
from dbtui.tui.views.base import View

PANES = {
    1: "live",
    2: "statements",
    3: "schema",
    4: "query",
    5: "plan",
    6: "findings",
    7: "migrate",
    8: "advise",
    9: "health",
}


def make(pane: str, session: ConsoleSession, *, charts: bool) -> View:
    """A pane as it begins, in the engine's own words. It is imported now: on its first visit."""
    engine = session.engine
    kind: Any = getattr(import_module(f"dbtui.tui.views.{pane}"), f"{pane.capitalize()}View")
    if pane == "live":
        made = kind(engine.monitor.metrics, session.history, charts=charts)
    elif pane == "statements":
        is_log = session.target.scheme == "log"  # all its statements at once, a server's by what ran last
        made = kind(session.history, charts=charts and not is_log, whole=is_log)
        made.example = session.example
        made.part = session.player is not None
    elif pane == "query":
        made = kind(engine.query)
    else:
        made = kind()
    made.nouns, made.lacks, made.id = engine.nouns, engine.lacks, pane
    view: View = made
    return view
