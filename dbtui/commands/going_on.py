"""The plan to go on with: planned anew, the same SQL makes another one as soon as some of it is done."""

from __future__ import annotations

from dbtui.config import Target
from dbtui.engines.base import Engine
from dbtui.migrations import plan_file
from dbtui.migrations.runner import Runner
from dbtui.model.change import ChangePlan
from dbtui.model.run import Run, StepRun
from dbtui.safety import Approval


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


async def nobody(_run: Run, _step: StepRun) -> Approval | None:
    """Approves nothing: for those who only look."""
    return None
