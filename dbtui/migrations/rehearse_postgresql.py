"""A rehearsal on the shadow: the schema of the user's database, empty, in a PostgreSQL of our own."""

from __future__ import annotations

from collections.abc import Set

from dbtui.engines import create
from dbtui.engines.base import Engine
from dbtui.engines.postgres.engine import PostgresEngine
from dbtui.engines.postgres.run import PostgresRunSession
from dbtui.errors import UsageError
from dbtui.migrations.rehearse_steps import rehearse_both
from dbtui.model.change import ChangePlan
from dbtui.model.run import Rehearsal
from dbtui.safety import approve
from dbtui.shadow import Shadow


async def on_shadow(
    engine: Engine, plan: ChangePlan, done: Set[int], shadow: Shadow | None = None
) -> Rehearsal:
    """Try a plan, and its way back. The shadow is made for it unless one is given.

    Raises UsageError without the embedded server, QueryError and PermissionDenied where the schema cannot be read.
    """
    if not isinstance(engine, PostgresEngine):
        raise UsageError("the plan is for PostgreSQL, and the server is not", "give the server it is for")
    if shadow is None:
        async with Shadow() as made:
            return await on_shadow(engine, plan, done, made)
    lab = await shadow.rehearsal(engine.source, database=plan.database)
    try:
        place = create(lab.target)
        await place.open()
        try:
            assert isinstance(place, PostgresEngine)
            session = await place.hold()
            try:
                assert isinstance(session, PostgresRunSession)
                scope = f"rehearsal:{plan.id}"
                with session.admitted(approve(lab.target.name, scope, "rehearsal", seconds=3600), scope):
                    steps, back = await rehearse_both(place, session, plan, "", done)
            finally:
                await session.close()
        finally:
            await place.close()
        missing = tuple(str(one) for one in lab.missing)
        return Rehearsal(plan, lab.verified, steps, back, missing)
    finally:
        await lab.drop()
