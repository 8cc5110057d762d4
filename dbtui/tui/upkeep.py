"""Upkeep by hand: VACUUM and ANALYZE of a table behind an approval, and a look at the last deadlock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dbtui import text
from dbtui.engines.base import Maintains, RemembersDeadlocks
from dbtui.errors import DbtuiError
from dbtui.model.activity import Deadlock
from dbtui.model.server import Environment
from dbtui.tui.messages import ShowDeadlock
from dbtui.tui.screens.confirm import Question
from dbtui.tui.screens.texts import TextScreen
from dbtui.tui.views.schema import SchemaView

if TYPE_CHECKING:
    from textual.worker import Worker

    from dbtui.tui.screens.main import MainScreen

RUNNING = "upkeep"  # the group of the worker that waits for its end
EFFECT = {
    "vacuum": "It reads the whole table and removes dead rows; others read and write meanwhile.",
    "analyze": "It reads a sample of the table and writes its statistics: plans may change.",
}


async def maintain(console: MainScreen, what: Literal["vacuum", "analyze"]) -> None:
    """Vacuum or analyse the table that the schema pane shows, after a question; or stop what runs already."""
    running = next((w for w in console.workers if w.group == RUNNING and not w.is_finished), None)
    if running is not None:
        await _stop(console, running)
        return
    view = console.view("schema")
    assert isinstance(view, SchemaView)
    actions, node = console.engine.actions, view.node
    sql = actions.maintenance(node, what) if isinstance(actions, Maintains) and node is not None else ""
    if not sql or node is None or not isinstance(actions, Maintains):
        console.say(f"there is nothing here that this engine could {what}", "warning")
        return
    target = console.target
    whole = "" if sql != "VACUUM" else " It rewrites the whole file and locks it meanwhile."
    effect = f"{EFFECT[what]}{whole}\nPane 9 shows how far it is; the same key stops it."
    body = f"{sql}\non {target.name} ({target.environment})\n\n{effect}"
    question = Question(f"{what.capitalize()}?", body, _word(console, what))
    reason = await console.app.push_screen_wait(question)
    if reason is None:
        return
    console.say(f"{sql} runs: see pane 9", "information")
    waiting = _run(console, actions, sql, reason, node.path[1])
    console.run_worker(waiting, group=RUNNING, description=sql)


async def _run(console: MainScreen, actions: Maintains, sql: str, reason: str, database: str) -> None:
    try:
        page = await console.session.maintain(actions, sql, reason, database)
        console.say(f"{sql}: done in {text.milliseconds(page.took * 1000)}", "information")
    except DbtuiError as error:
        console.say(f"{sql}: {error}", "error")


async def _stop(console: MainScreen, running: Worker[None]) -> None:
    """Stop it after a question; what it has done so far stays done."""
    sql = running.description
    body = f"{sql}\nruns on {console.target.name}. What it has done so far stays done."
    question = Question("Stop it?", body, _word(console, "stop"), reason=False)
    if await console.app.push_screen_wait(question) is not None:
        running.cancel()
        console.say(f"{sql}: stopped", "information")


def _word(console: MainScreen, what: str) -> str:
    """What has to be typed: on production, where it is."""
    target = console.target
    return target.name if target.environment is Environment.PRODUCTION else what


async def deadlock(console: MainScreen, _wish: ShowDeadlock) -> None:
    """Show what deadlocked last, as far as the engine keeps it."""
    monitor = console.engine.monitor
    if not isinstance(monitor, RemembersDeadlocks):
        console.say("this engine keeps nothing of deadlocks", "information")
        return
    try:
        found = await monitor.last_deadlock()
    except DbtuiError as error:
        console.say(str(error), "error")
        return
    counters = console.snapshot.counters.value if console.snapshot else None
    body = shown(found, (counters or {}).get("deadlocks"))
    console.app.push_screen(TextScreen("Last deadlock", text.printable(body, keep_newlines=True)))


def shown(found: Deadlock, total: float | None) -> str:
    """A deadlock as text: who waited for what with which statement, and who was rolled back."""
    head = f"last deadlock {found.at}" if found.parties else found.note
    lines = [head, f"{total:,.0f} deadlocks are counted" if total is not None else ""]
    for party in found.parties:
        lines += [
            "",
            f"session {party.session}" + (" (rolled back)" if party.victim else ""),
            f"  waited for  {party.waits}" if party.waits else "",
            f"  ran         {text.one_line(party.statement, 2000)}" if party.statement else "",
        ]
    if found.parties:
        lines += ["", found.note]
    return "\n".join(line for number, line in enumerate(lines) if line or number > 1)
