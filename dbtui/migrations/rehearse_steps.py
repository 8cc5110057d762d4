"""Steps tried on a stage, there and back: what each really did, and where that is not what was expected."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence, Set
from dataclasses import replace
from typing import Protocol

from dbtui.engines.base import Engine, RunSession
from dbtui.errors import DbtuiError
from dbtui.migrations.conditions import first_open, is_done
from dbtui.migrations.dialect import DIALECTS
from dbtui.migrations.parse import parse
from dbtui.model.change import ChangePlan, ChangeStep, Kind, Transaction, blocks_long
from dbtui.model.locks import STRONG
from dbtui.model.migration import Engine as Dialect
from dbtui.model.migration import Lock
from dbtui.model.run import Observed, Rehearsed
from dbtui.safety import Approval

_DONE = "done on the server already"

Permit = Callable[[str], Awaitable[Approval | None]]
"""Asks for leave to write on the user's server, for a scope; None is no."""


class Stage(Protocol):
    """Where a rehearsal takes place: runs statements and says what they did."""

    async def observe(self, statements: Sequence[str], *, one: bool, relation: str) -> Observed:
        """Raises QueryError, SessionLost."""
        ...


class Timed:
    """A stage for servers whose locks cannot be seen from inside: it tells only how long it took, or the refusal."""

    def __init__(self, session: RunSession) -> None:
        self._session = session

    async def observe(self, statements: Sequence[str], *, one: bool, relation: str) -> Observed:
        """See `Stage`."""
        began = time.monotonic()
        await self._session.write(statements, one=one)
        return Observed(seconds=time.monotonic() - began, seen=False)


async def rehearse_both(
    engine: Engine, stage: Stage, plan: ChangePlan, database: str, done: Set[int]
) -> tuple[tuple[Rehearsed, ...], tuple[Rehearsed, ...]]:
    """All steps, and the ways back: those are tried before the point of no return, which is passed the second time.

    The steps with the numbers `done` are done on the stage as it is.
    """
    final = next((place for place, step in enumerate(plan.steps) if step.point_of_no_return), len(plan.steps))
    if any(step.number in done for step in plan.steps[final:]):
        return await rehearse_steps(engine, stage, plan, database, done), ()
    kept = replace(plan, steps=plan.steps[:final])
    steps = await rehearse_steps(engine, stage, kept, database, done)
    back = await rehearse_back(stage, steps)
    if final == len(plan.steps):
        return steps, back
    why = "the way back of the steps before it failed" if any(one.error for one in back) else ""
    failed = next((one.step.number for one in steps if one.error), None)
    if failed is not None:
        why = f"step {failed} failed before it"
    if why:
        return (*steps, *(Rehearsed(step, skipped=why) for step in plan.steps[final:])), back
    return await rehearse_steps(engine, stage, plan, database), back


async def rehearse_steps(
    engine: Engine, stage: Stage, plan: ChangePlan, database: str, done: Set[int] = frozenset()
) -> tuple[Rehearsed, ...]:
    """All steps but those that are done, in order; after an error the rest is skipped: it builds on what failed."""
    found: list[Rehearsed] = []
    for step in plan.steps:
        broken = next((one for one in found if one.error), None)
        if broken is not None:
            found.append(Rehearsed(step, skipped=f"step {broken.step.number} failed before it"))
        elif step.number in done or await _found_done(engine, step, database):
            found.append(Rehearsed(step, skipped=_DONE))
        else:
            found.append(await _rehearsed(engine, stage, plan, step, database))
    return tuple(found)


async def _found_done(engine: Engine, step: ChangeStep, database: str) -> bool:
    """Whether the catalog shows a step as done, out of its turn; where there are no rows, rows prove nothing."""
    if step.kind not in (Kind.DDL, Kind.INDEX, Kind.VALIDATE):
        return False
    return await is_done(engine, step, database, None)


async def rehearse_back(stage: Stage, steps: Sequence[Rehearsed]) -> tuple[Rehearsed, ...]:
    """The down statements of what is done, the newest first."""
    found: list[Rehearsed] = []
    done = [one for one in steps if one.observed is not None or one.skipped == _DONE]
    for one in reversed([one for one in done if one.step.down]):
        step = one.step
        try:
            seen = await stage.observe(
                step.down, one=step.down_transaction is Transaction.ONE, relation=_name(step)
            )
            found.append(Rehearsed(step, seen))
        except DbtuiError as error:
            found.append(Rehearsed(step, error=str(error)))
            break
    return tuple(found)


async def _rehearsed(
    engine: Engine, stage: Stage, plan: ChangePlan, step: ChangeStep, database: str
) -> Rehearsed:
    statements = _statements(plan, step)
    if not statements:
        why = {
            Kind.APPLICATION: "people do it",
            Kind.COMMAND: "people run it",
            Kind.CHECK: "it asks about live rows",
        }
        return Rehearsed(step, skipped=why.get(step.kind, "it runs nothing"))
    one = step.transaction is not Transaction.EACH
    try:
        if step.before:
            await stage.observe(step.before, one=False, relation="")
        try:
            seen = await stage.observe(statements, one=one, relation=_name(step))
        finally:
            if step.after:
                await stage.observe(step.after, one=False, relation="")
        missing = await first_open(engine, step.postconditions, database)
    except DbtuiError as error:
        return Rehearsed(step, error=str(error))
    doubts = list(_doubts(step, seen, _indexes(plan)))
    if missing is not None:
        doubts.append(f"it ran, and yet it is not so that {missing.means}")
    return Rehearsed(step, seen, doubts=tuple(doubts))


def _name(step: ChangeStep) -> str:
    return DIALECTS["postgresql"].relation(step.relation) if step.relation is not None else ""


def _statements(plan: ChangePlan, step: ChangeStep) -> tuple[str, ...]:
    """What the step runs; a backfill as one statement, since there are few rows or none."""
    if step.backfill is None:
        return step.statements
    table, fill = DIALECTS[plan.engine].relation(step.backfill.table), step.backfill
    verb = f"DELETE FROM {table}" if fill.verb == "delete" else f"UPDATE {table} SET {fill.assignments}"  # noqa: S608
    return (f"{verb} WHERE {fill.where}" if fill.where else verb,)


def _doubts(step: ChangeStep, seen: Observed, indexes: Set[str]) -> Iterator[str]:
    """Where the rehearsal and the matrix disagree. Weak locks, which nobody waits for, are not compared.

    A rehearsal sees no locks of `indexes`, which steps before have made.
    """
    if seen.seen and step.backfill is None:
        expected, taken = _by_table(step.locks), _by_table(seen.locks)
        for table in sorted((expected.keys() | taken.keys()) - _renamed(step) - indexes):
            before, after = expected.get(table, ""), taken.get(table, "")
            if before != after and (before in STRONG or after in STRONG):
                yield f"{table}: the matrix says {before or 'no lock'}, the rehearsal took {after or 'none'}"
    # A sequence, which is rewritten when it takes another type, holds a weaker lock, and has one row.
    rewritten = [name for name in seen.rewrites if _by_table(seen.locks).get(name) == STRONG[-1]]
    if rewritten and not blocks_long(step):
        yield f"it rewrote {', '.join(rewritten)}, which takes as long as the table is large"


def _indexes(plan: ChangePlan) -> set[str]:
    """Those that the plan's own steps make."""
    return {
        action.index.name
        for step in plan.steps
        if step.kind is Kind.INDEX
        for sql in step.statements
        for statement in parse(sql, Dialect(plan.engine))
        for action in statement.actions
        if action.index is not None
    }


def _renamed(step: ChangeStep) -> set[str]:
    """Tables that the step gives another name, under which alone the rehearsal sees their locks."""
    return {
        str(action.relation).removeprefix("public.")
        for sql in step.statements
        for statement in parse(sql, Dialect.POSTGRESQL)
        for action in statement.actions
        if action.op == "rename table"
    }


def _by_table(locks: Sequence[Lock]) -> dict[str, str]:
    """Modes by table; `public.orders` and `orders` are one."""
    return {lock.relation.removeprefix("public."): lock.mode for lock in locks}
