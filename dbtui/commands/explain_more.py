"""What `dbtui explain` can be asked besides the plan: why, what changed, other values, statistics."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from dbtui.commands import doctor, sweep
from dbtui.commands.forewarn import side_effects
from dbtui.commands.plan_history import earlier_plans, plan_of, remember
from dbtui.engines.base import Engine
from dbtui.errors import UsageError
from dbtui.model.plan import Plan
from dbtui.output import comparison as comparison_output
from dbtui.output import diagnosis as diagnosis_output
from dbtui.output import sweep as sweep_output
from dbtui.output import why as why_output
from dbtui.plans.causes import causes
from dbtui.plans.compare import compare, shape
from dbtui.plans.history import kind_of
from dbtui.rules.plan.why import why as judged


def why(plan: Plan, rule: str, form: str) -> str:
    """Why a rule flags a plan or does not. Raises UsageError for an id that no rule about plans has."""
    said = judged(plan, rule)
    if form == "json":
        nearest: list[dict[str, object]] = [
            {"node": miss.node, "what": miss.what, "value": miss.value, "least": miss.least}
            for miss in said.misses
        ]
        return why_output.json(rule, said.findings, said.reason, nearest) + "\n"
    return why_output.text(rule, said.findings, said.reason, [str(miss) for miss in said.misses])


def compared(before: Plan, after: Plan, form: str, width: int) -> str:
    """Two plans side by side, and why they probably differ."""
    comparison = compare(before, after)
    if form == "json":
        return comparison_output.json(comparison, causes(comparison)) + "\n"
    if form == "markdown":
        return comparison_output.markdown(comparison, causes(comparison))
    return comparison_output.text(comparison, causes(comparison), width=width)


def remembered(plan: Plan, connection: str, database: str) -> tuple[Callable[[], Plan], str]:
    """Keep a plan. How to get the one to compare it with, and one line where the plan is another one now.

    That is the newest that was taken in the same way and is another plan, else the newest of all. Getting it
    raises UsageError where none is kept.
    """
    earlier = earlier_plans(plan, connection)
    change = remember(plan, connection, database)
    news = ""
    if change is not None:
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(change.before.taken))
        because = f"; probably {change.causes[0]}" if change.causes else ""
        news = f"the plan has changed since {at}{because}"

    def older() -> Plan:
        if not earlier:
            raise UsageError("no earlier plan of this statement is kept", "it is kept now: ask again later")
        alike = [one for one in earlier if one.kind == kind_of(plan)]
        return plan_of(next((one for one in alike if one.shape != shape(plan)), (alike or earlier)[0]))

    return older, news


async def forewarn(engine: Engine, sql: str, database: str) -> None:
    """Raise UsageError where running a statement does more than give its result."""
    found = await side_effects(engine, sql, database=database)
    if found:
        raise UsageError(f"running it has effects: {', '.join(found)}", "give --yes to run it anyway")


async def swept(engine: Engine, sql: str, database: str, values: Sequence[str], form: str) -> str:
    """The plans over other values; `values` are texts `N=SQL`. Raises UsageError for one that is not."""
    found = await sweep.sweep(engine, sql, database=database, values=_values(values))
    if form == "json":
        return sweep_output.json(found) + "\n"
    return sweep_output.markdown(found) if form == "markdown" else sweep_output.text(found)


async def diagnosed(engine: Engine, plan: Plan, database: str, form: str) -> str:
    """What the statistics doctor says of a measured plan."""
    found = await doctor.diagnose(engine, plan, database=database)
    if form == "json":
        return diagnosis_output.json(found) + "\n"
    return diagnosis_output.markdown(found) if form == "markdown" else diagnosis_output.text(found)


def _values(given: Sequence[str]) -> dict[int, str]:
    values = {}
    for one in given:
        number, equals, value = one.partition("=")
        if not equals or not number.removeprefix("$").isdecimal():
            raise UsageError(f"--value {one}", "write it as N=SQL, for example --value 2=10")
        values[int(number.removeprefix("$"))] = value
    return values
