"""The plan to go on with: planned anew, the same SQL makes another one as soon as some of it is done."""

from __future__ import annotations

import sys

from dbtui.config import Target
from dbtui.engines.base import Engine
from dbtui.migrations import plan_file
from dbtui.migrations.runner import Runner
from dbtui.model.change import ChangePlan
from dbtui.model.run import Run, State, StepRun
from dbtui.safety import Approval
from dbtui.text import printable


async def begun(engine: Engine, target: Target, plan: ChangePlan) -> Run | None:
    """How the plan stands that was begun from here, on this server, for the same SQL; None where none was."""
    for known in plan_file.kept():
        if known.engine != plan.engine or [one.sql for one in known.source] != [
            one.sql for one in plan.source
        ]:
            continue
        state = await Runner(engine, target, known, approve=nobody).standing()
        if any(one.attempt for one in state.steps if one.step.number > 0):
            return state
    return None


async def taken_up(engine: Engine, target: Target, plan: ChangePlan) -> ChangePlan:
    """The plan, or the one that was begun for the same SQL, which is said on standard error."""
    state = await begun(engine, target, plan)
    if state is None or state.plan.id == plan.id:
        return plan
    print(printable(f"goes on with plan {state.plan.id}, which was begun for the same SQL"), file=sys.stderr)
    return state.plan


async def steps_done(engine: Engine, target: Target, plan: ChangePlan) -> frozenset[int]:
    """The numbers of the plan's steps that are done on the server. Raises as `Runner.standing`."""
    state = await Runner(engine, target, plan, approve=nobody).standing()
    return frozenset(one.step.number for one in state.steps if one.state is State.DONE)


async def nobody(_run: Run, _step: StepRun) -> Approval | None:
    """Approves nothing: for those who only look."""
    return None
