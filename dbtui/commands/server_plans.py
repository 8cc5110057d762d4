"""Plans that an open engine is asked for, parsed and measured."""

from __future__ import annotations

from dataclasses import replace

from dbtui.engines.base import Engine, Explainer, ExplainsRunning, PlansInvisible
from dbtui.errors import InputError, QueryError, UsageError, ValuesMissing
from dbtui.model.activity import Session
from dbtui.model.plan import Plan, RawPlan
from dbtui.plans.beside import parse_beside
from dbtui.safety import Approval


async def explain_on(
    engine: Engine,
    sql: str,
    *,
    database: str = "",
    analyze: bool = False,
    timeout: float = 30.0,
    approval: Approval | None = None,
) -> Plan:
    """The measured plan of a statement, from an open engine.

    Placeholders that the server makes no plan with get usual values, of which a note tells. Raises UsageError
    where the engine has no plans, what its explainer raises, and InputError on a plan that cannot be read.
    """
    if engine.explain is None:
        raise UsageError("this server has no plans", engine.lacks.get("explain", ""))
    try:
        raw = await engine.explain.explain(
            sql, database=database, analyze=analyze, timeout=timeout, approval=approval
        )
    except ValuesMissing as missing:
        if analyze:
            raise
        raw = await _with_usual_values(engine, engine.explain, sql, database, timeout, missing)
    return await _read(raw)


async def _with_usual_values(
    engine: Engine, explainer: Explainer, sql: str, database: str, timeout: float, missing: ValuesMissing
) -> RawPlan:
    from dbtui.commands.usual_values import with_usual_values

    try:
        filled, note = await with_usual_values(engine, sql, database)
    except (UsageError, InputError):
        raise missing from None
    raw = await explainer.explain(filled, database=database, timeout=timeout)
    return replace(raw, query=sql, notes=(*raw.notes, note))


async def running_plan(engine: Engine, session: Session) -> Plan | None:
    """The plan of what a session runs now; None where the server does not tell it, or it is over."""
    explainer: object = engine.explain
    if not isinstance(explainer, ExplainsRunning):
        return None
    try:
        return await _read(await explainer.running(session))
    except (QueryError, InputError):
        return None  # ended meanwhile, another user's, or of a kind without a plan: explained as any other


async def invisible_plan(engine: Engine, sql: str, database: str = "") -> Plan:
    """The plan that the server would make if its invisible indexes were visible. Raises what `explain_on` raises."""
    explainer: object = engine.explain
    if not isinstance(explainer, PlansInvisible):
        raise UsageError("this server has no invisible indexes", "look at the plan as it is")
    return await _read(await explainer.with_invisible(sql, database=database))


async def _read(raw: RawPlan) -> Plan:
    """A server's plan, parsed and measured where that holds up no key."""
    plan = await parse_beside(raw.text)
    return replace(plan, query=raw.query, server_version=raw.server_version, notes=(*raw.notes, *plan.notes))
