"""The way back: the down statements of the steps that are done, the newest first, with the care of the way there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dbtui.errors import InputError
from dbtui.migrations.assess import DEFAULT_VERSIONS
from dbtui.migrations.files import MigrationFile
from dbtui.migrations.planner.weigh import weigh
from dbtui.migrations.runner import Runner
from dbtui.model.change import ChangePlan, ChangeStep, Kind, Reversibility, Transaction
from dbtui.model.migration import Engine
from dbtui.model.run import Run, State


def backwards(step: ChangeStep) -> ChangeStep:
    """The step that takes another one back; its number is the negative one."""
    whole = len(step.down) == 1 or step.down_transaction is Transaction.ONE  # no part of it can be done alone
    return ChangeStep(
        number=-step.number,
        kind=step.kind if step.kind is Kind.INDEX else Kind.DDL,
        title=f"take back: {step.title}",
        phase=step.phase,
        statements=step.down,
        transaction=step.down_transaction,
        lock_timeout=step.lock_timeout,
        retries=step.retries,
        relation=step.relation,
        locks=step.locks,
        blocks=step.blocks,
        destructive=step.reversibility is Reversibility.NEEDS_DATA,
        undoes=step.postconditions if whole else (),
        reversibility=Reversibility.IMPOSSIBLE
        if step.reversibility is Reversibility.NEEDS_DATA
        else Reversibility.FREE,
        notes=tuple(f"afterwards it is no longer so that {one.means}" for one in step.postconditions),
        why="the way back of the plan",
    )


def plan_back(run: Run, to: int) -> tuple[ChangeStep, ...]:
    """The steps that lead back behind step `to`, the newest first.

    Raises InputError where a step that is done cannot be undone: nothing is taken back then.
    """
    done = [one for one in run.steps if one.state is State.DONE and one.step.number > max(to, 0)]
    for one in done:
        if not one.step.has_way_back:
            lost = one.step.reversibility is Reversibility.IMPOSSIBLE
            rest = "the rest is in a backup" if lost else "the rest needs a plan of its own"
            raise InputError(
                f"step {one.step.number} ({one.step.title}) is done and cannot be undone",
                f"take back only what came after it: --to {one.step.number}; {rest}",
            )
    return _weighed(run.plan, [backwards(one.step) for one in reversed(done) if one.step.down])


def _weighed(plan: ChangePlan, steps: Sequence[ChangeStep]) -> tuple[ChangeStep, ...]:
    """The steps with the locks of their own statements: adding a foreign key blocks writers, dropping it everybody."""
    if plan.engine not in set(Engine):
        return tuple(steps)
    there = MigrationFile(
        "way there", "".join(f"{sql}\n;\n" for step in plan.steps for sql in step.statements)
    )
    version = tuple(int(part) for part in plan.version.split(".") if part.isdigit())
    weighed = weigh(
        steps, Engine(plan.engine), version or DEFAULT_VERSIONS[Engine(plan.engine)], [there], None
    )
    return tuple(replace(step, findings=()) for step in weighed)


async def way_back(runner: Runner, to: int) -> bool:
    """Take the steps above `to` back, inside the runner's session; whether all were."""
    return await runner.each(plan_back(runner.state, to))
