"""What is wished about the plan in sight: why not flagged, compare, values, statistics, a plan from elsewhere.

Imported on the first use, as `tui.tasks` is.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, cast

from dbtui.commands.doctor import diagnose
from dbtui.commands.plan_history import other_plans
from dbtui.commands.streams import read_text
from dbtui.commands.sweep import sweep
from dbtui.errors import DbtuiError
from dbtui.output import diagnosis as diagnosis_text
from dbtui.output import sweep as sweep_text
from dbtui.plans.beside import parse_beside
from dbtui.plans.compare import shape
from dbtui.plans.history import as_kept, kind_of
from dbtui.rules.plan import findings
from dbtui.rules.plan.why import why_each
from dbtui.tui.messages import PlanWish, ShowPlan
from dbtui.tui.screens.compare import CompareScreen
from dbtui.tui.screens.open_plan import OpenPlanScreen
from dbtui.tui.screens.rules import RulesScreen
from dbtui.tui.screens.texts import TextScreen
from dbtui.tui.views.base import trouble
from dbtui.tui.views.plan import PlanView

if TYPE_CHECKING:
    from dbtui.tui.screens.main import MainScreen


async def begin(console: MainScreen, wish: PlanWish) -> None:
    """Do what the pane wishes; an error ends on the screen."""
    try:
        await _TASKS[wish.wish](console, cast("PlanView", console.view("plan")))
    except DbtuiError as error:
        console.say(trouble(error), "warning")


async def pasted(console: MainScreen, wish: ShowPlan) -> None:
    """Show a plan that came as text; an older one stays where it is none."""
    try:
        await _show(console, cast("PlanView", console.view("plan")), wish.text)
    except DbtuiError as error:
        console.say(trouble(error), "warning")


async def why(console: MainScreen, view: PlanView) -> None:
    """List every rule with what it flags, or how near the plan came."""
    if view.plan is not None:
        console.app.push_screen(RulesScreen(await asyncio.to_thread(why_each, view.plan)))


async def compare(console: MainScreen, view: PlanView) -> None:
    """Show the plan beside those that were taken before, first the newest that is another plan.

    A pasted plan is compared with the one that was shown before it.
    """
    plan = view.plan
    if plan is None:
        return
    if not view.sql and view.before is not None:
        console.app.push_screen(CompareScreen(plan, [as_kept(view.before)]))
        return
    kind = kind_of(plan)
    others = await asyncio.to_thread(other_plans, plan, console.target.name)
    earlier = [one for one in others if one.kind == kind]
    if not earlier:
        console.say(f"no other plan of this statement is kept yet ({kind})", "information")
        return
    now = shape(plan)
    at = next((at for at, one in enumerate(earlier) if one.shape != now), 0)
    console.app.push_screen(CompareScreen(plan, earlier, at))


async def values(console: MainScreen, view: PlanView) -> None:
    """Sweep the values of the statement's parameters; nothing is run."""
    console.say("asking for the plans of common, rare and out-of-range values…", "information")
    found = await sweep(console.engine, view.sql, database=view.database)
    console.app.push_screen(TextScreen("The plan for other values", sweep_text.text(found)))


async def statistics(console: MainScreen, view: PlanView) -> None:
    """Test the statistics behind the rows that were misjudged; it only reads."""
    if view.plan is None:
        return
    console.say("testing the statistics behind the wrong estimates…", "information")
    found = await diagnose(console.engine, view.plan, database=view.database)
    console.app.push_screen(TextScreen("Statistics doctor", diagnosis_text.text(found)))


async def open_plan(console: MainScreen, view: PlanView) -> None:
    """Ask for a file, or for a plan to be pasted, and show it."""
    answer: tuple[str, str] | None = await console.app.push_screen_wait(OpenPlanScreen())
    if answer is not None:
        name, pasted_text = answer
        await _show(console, view, pasted_text or await asyncio.to_thread(_read, name))


def _read(name: str) -> str:
    return read_text(os.path.expanduser(name))  # noqa: PTH111 - a name that `read_text` judges


async def _show(console: MainScreen, view: PlanView, body: str) -> None:
    plan = await parse_beside(body)
    console.found = findings(plan), plan.query
    view.show_foreign(plan, console.found[0])


_TASKS = {
    "why": why, "compare": compare, "values": values, "statistics": statistics, "open_plan": open_plan,
}  # fmt: skip
