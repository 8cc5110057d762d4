"""What is wished about the plan in sight: why not flagged, compare, values, statistics, a plan from elsewhere.

Imported on the first use, as `tui.tasks` is. Each task is given the screen and a text.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from dbtui import text
from dbtui.commands.doctor import diagnose
from dbtui.commands.explain import read_text
from dbtui.commands.plan_history import earlier_plans
from dbtui.commands.sweep import sweep
from dbtui.errors import DbtuiError
from dbtui.output import diagnosis as diagnosis_text
from dbtui.output import sweep as sweep_text
from dbtui.plans.beside import parse_beside
from dbtui.plans.history import as_kept
from dbtui.rules.plan import findings
from dbtui.rules.plan.why import why_each
from dbtui.tui.screens.compare import CompareScreen
from dbtui.tui.screens.open_plan import OpenPlanScreen
from dbtui.tui.screens.rules import RulesScreen
from dbtui.tui.screens.texts import TextScreen
from dbtui.tui.views.base import trouble
from dbtui.tui.views.plan import PlanView

if TYPE_CHECKING:
    from dbtui.tui.screens.main import MainScreen


def _view(console: MainScreen) -> PlanView:
    view = console.view("plan")
    assert isinstance(view, PlanView)
    return view


async def why(console: MainScreen, _text: str = "") -> None:
    """List every rule with what it flags, or how near the plan came."""
    plan = _view(console).plan
    if plan is not None:
        console.app.push_screen(RulesScreen(await asyncio.to_thread(why_each, plan)))


async def compare(console: MainScreen, _text: str = "") -> None:
    """Show the plan beside those that were taken before, first the newest that is another plan.

    A pasted plan is compared with the one that was shown before it.
    """
    view = _view(console)
    plan = view.plan
    if plan is None:
        return
    if not view.sql and view.before is not None:
        console.app.push_screen(CompareScreen(plan, [as_kept(view.before)]))
        return
    kept = await asyncio.to_thread(earlier_plans, plan, console.target.name)
    now = as_kept(plan)
    earlier = [one for one in kept if one.packed != now.packed and one.kind == now.kind]
    if not earlier:
        console.say(f"no other plan of this statement is kept yet ({now.kind})", "information")
        return
    at = next((at for at, one in enumerate(earlier) if one.shape != now.shape), 0)
    console.app.push_screen(CompareScreen(plan, earlier, at))


async def values(console: MainScreen, _text: str = "") -> None:
    """Sweep the values of the statement's parameters; nothing is run."""
    view = _view(console)
    console.say("asking for the plans of common, rare and out-of-range values…", "information")
    try:
        found = await sweep(console.engine, view.sql, database=view.database)
    except DbtuiError as error:
        console.say(trouble(error), "warning")
        return
    console.app.push_screen(TextScreen("The plan for other values", sweep_text.text(found)))


async def statistics(console: MainScreen, _text: str = "") -> None:
    """Test the statistics behind the rows that were misjudged; it only reads."""
    view = _view(console)
    if view.plan is None:
        return
    console.say("looking into the statistics of the misjudged nodes…", "information")
    try:
        found = await diagnose(console.engine, view.plan, database=view.database)
    except DbtuiError as error:
        console.say(trouble(error), "warning")
        return
    console.app.push_screen(TextScreen("Statistics doctor", diagnosis_text.text(found)))


async def open_plan(console: MainScreen, _text: str = "") -> None:
    """Ask for a file, or for a plan to be pasted, and show it."""
    answer: tuple[str, str] | None = await console.app.push_screen_wait(OpenPlanScreen())
    if answer is None:
        return
    name, pasted_text = answer
    try:
        body = pasted_text or await asyncio.to_thread(_read, name)
    except DbtuiError as error:
        console.say(str(error), "warning")
        return
    await pasted(console, body)


def _read(name: str) -> str:
    return read_text(os.path.expanduser(name))  # noqa: PTH111 - a name that `read_text` judges


async def pasted(console: MainScreen, body: str) -> None:
    """Show a plan that came as text; an older one stays where it is none."""
    view = _view(console)
    try:
        plan = await parse_beside(body)
    except DbtuiError as error:
        console.say(text.printable(str(error)), "warning")
        return
    found = findings(plan)
    console.found = (found, plan.query)
    view.show_foreign(plan, found)
