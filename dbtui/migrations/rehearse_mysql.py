"""A rehearsal on MySQL or MariaDB: empty twins of the tables, in a database of its own on the same server.

The statements run as they stand, with that database as the current one: an asserted ALGORITHM or LOCK is refused
there as it would be on the real tables (70 of 70 operations measured on MariaDB). CREATE TABLE … LIKE copies no
foreign keys and no triggers, and statements that name their database cannot be tried.
"""

from __future__ import annotations

from collections.abc import Set

from dbtui.engines.base import Engine, RunSession, RunsPlans
from dbtui.errors import NotApproved, UsageError
from dbtui.migrations.dialect import DIALECTS
from dbtui.migrations.rehearse_steps import Permit, Timed, rehearse_both
from dbtui.model.change import ChangePlan
from dbtui.model.migration import Relation
from dbtui.model.run import Rehearsal
from dbtui.safety import rehearsal_scope


async def in_own_database(
    engine: Engine, plan: ChangePlan, permit: Permit | None, done: Set[int]
) -> Rehearsal:
    """Try a plan and its way back. Raises NotApproved without leave: it creates and drops a database."""
    if not isinstance(engine, RunsPlans):
        raise UsageError("the plan is for another server", "give the server it is for")
    if any(relation.schema for relation in _relations(plan)):
        raise UsageError(
            "the plan names its database, so it cannot be tried in another one", "leave the name out"
        )
    session = await engine.hold(plan.database)
    try:
        scope = rehearsal_scope(plan.sha256, session.identity)
        approval = await permit(scope) if permit is not None else None
        if approval is None:
            raise NotApproved(
                f"a rehearsal makes and drops the database {_name(plan)} on the server", "approve that"
            )
        with session.admitted(approval, scope):
            missing = await _twins(session, plan)
        await session.close()
        session = await engine.hold(_name(plan))
        with session.admitted(approval, scope):
            try:
                stage = Timed(session)
                steps, back = await rehearse_both(engine, stage, plan, _name(plan), done)
            finally:
                await session.write([f"DROP DATABASE IF EXISTS `{_name(plan)}`"], one=False)
    finally:
        await session.close()
    return Rehearsal(
        plan,
        f"empty twins of the tables, which have no foreign keys and no triggers, in {_name(plan)}",
        steps,
        back,
        missing,
    )


def _name(plan: ChangePlan) -> str:
    return f"dbtui_rehearsal_{plan.id}"


def _relations(plan: ChangePlan) -> list[Relation]:
    """The tables that the steps are about, once."""
    found = [step.relation for step in plan.steps if step.relation is not None]
    found += [step.backfill.table for step in plan.steps if step.backfill is not None]
    return list(dict.fromkeys(found))


async def _twins(session: RunSession, plan: ChangePlan) -> tuple[str, ...]:
    """Make the database and the twins; what is no table yet is made by the plan itself. What the twins lack."""
    dialect = DIALECTS[plan.engine]
    names = ", ".join(dialect.literal(relation.name) for relation in _relations(plan)) or "''"
    there = await session.read(
        "SELECT table_name FROM information_schema.tables"  # noqa: S608 - quoted above
        f" WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name IN ({names})"
    )
    await session.write(
        [f"DROP DATABASE IF EXISTS `{_name(plan)}`", f"CREATE DATABASE `{_name(plan)}`"], one=False
    )
    for (table,) in there:
        own = dialect.identifier(str(table))
        await session.write([f"CREATE TABLE `{_name(plan)}`.{own} LIKE {own}"], one=False)
    lost = await session.read(
        "SELECT 'foreign key', constraint_name, table_name FROM information_schema.referential_constraints"  # noqa: S608
        f" WHERE constraint_schema = DATABASE() AND (table_name IN ({names}) OR referenced_table_name IN ({names}))"
        " UNION ALL SELECT 'trigger', trigger_name, event_object_table FROM information_schema.triggers"
        f" WHERE event_object_schema = DATABASE() AND event_object_table IN ({names}) ORDER BY 1, 2"
    )
    return tuple(f"the {kind} {name} of {table}" for kind, name, table in lost)
