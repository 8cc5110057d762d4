"""Questions to the server that decide whether a step may start, and whether it is done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dbtui.engines.base import Engine
from dbtui.errors import QueryError, QueryTimeout, SessionLost
from dbtui.model.change import ChangeStep, Condition, Kind
from dbtui.model.run import Attempt, State

BRIEF, COSTLY = 15.0, 3600.0  # seconds
_NO = frozenset({"", "0", "f", "false"})


async def holds(engine: Engine, condition: Condition, database: str) -> bool:
    """Whether it holds now, asked on the read-only connection.

    What the server refuses is answered by no. Raises QueryTimeout, SessionLost, ConnectError.
    """
    return await answer(engine, condition, database, COSTLY if condition.costly else BRIEF) is True


async def answer(engine: Engine, condition: Condition, database: str, timeout: float) -> bool | None:
    """As `holds` within `timeout` seconds; None for what the server refuses."""
    querier = engine.query
    assert querier is not None, "an engine that runs plans answers questions"
    for attempt in (1, 2):
        try:
            cursor = await querier.run(condition.query, database=database, timeout=timeout)
            try:
                page = await cursor.fetch(1)
            finally:
                await cursor.close()
        except QueryTimeout:
            raise
        except QueryError:
            return None
        except SessionLost:  # an idle connection that was cut is noticed at its next use
            if attempt == 2:
                raise
        else:
            return (
                bool(page.rows) and bool(page.rows[0]) and (page.rows[0][0] or "").strip().lower() not in _NO
            )
    raise AssertionError("unreachable")


async def first_open(engine: Engine, conditions: Iterable[Condition], database: str) -> Condition | None:
    """The first of the conditions that does not hold."""
    for condition in conditions:
        if not await holds(engine, condition, database):
            return condition
    return None


async def is_done(engine: Engine, step: ChangeStep, database: str, journalled: State | None) -> bool:
    """Whether a step is done, by what the catalog proves; what proves nothing is done when the journal says so."""
    if step.superseded is not None and await holds(engine, step.superseded, database):
        return True
    if step.passing and journalled is State.DONE:
        return True
    if step.postconditions:
        return await first_open(engine, step.postconditions, database) is None
    if step.undoes:
        return await first_open(engine, step.undoes, database) is not None
    if step.kind is Kind.CHECK:
        return await first_open(engine, step.preconditions, database) is None
    return journalled is State.DONE


def newest(attempts: Iterable[Attempt], plan_id: str) -> dict[int, Attempt]:
    """The newest attempt of each step of a plan; one whose way back was gone since is undone."""
    found: dict[int, Attempt] = {}
    for one in attempts:
        if one.plan_id == plan_id:
            found[one.step] = max(one, found.get(one.step, one), key=lambda each: each.attempt)
    for number, one in tuple(found.items()):
        back = found.get(-number)
        if number > 0 and back is not None and back.state is State.DONE and back.started > one.started:
            found[number] = replace(one, state=State.UNDONE, detail="taken back")
    return found
