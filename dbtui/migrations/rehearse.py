"""A plan tried where it can hurt nobody, with what it really did beside what was expected of it.

PostgreSQL: on the shadow, which has the schema and none of the rows; locks are really taken and rewrites really done.
SQLite: on a copy of the file, rows included. MySQL and MariaDB: in a database of its own on the same server, with
tables made by CREATE TABLE … LIKE, so that asserted algorithms are accepted or refused as they would be.
"""

from __future__ import annotations

from collections.abc import Set

from dbtui.engines.base import Engine
from dbtui.errors import UsageError
from dbtui.migrations.rehearse_steps import Permit
from dbtui.model.change import ChangePlan
from dbtui.model.run import Rehearsal


async def rehearse(
    engine: Engine, plan: ChangePlan, permit: Permit | None = None, *, done: Set[int] = frozenset()
) -> Rehearsal:
    """Try a plan for the server behind an open engine. Only MySQL and MariaDB are written to, with `permit`.

    Of a plan that was begun there, the steps with the numbers `done` are not tried again, but their ways back are.
    Raises UsageError where there is no way to rehearse, NotApproved, and what making the place for it raises.
    """
    if plan.engine == "postgresql":
        from dbtui.migrations.rehearse_postgresql import on_shadow

        return await on_shadow(engine, plan, done)
    if plan.engine == "sqlite":
        from dbtui.migrations.rehearse_sqlite import on_copy

        return await on_copy(engine, plan, done)
    if plan.engine in ("mysql", "mariadb"):
        from dbtui.migrations.rehearse_mysql import in_own_database

        return await in_own_database(engine, plan, permit, done)
    raise UsageError(f"a plan for {plan.engine} cannot be rehearsed", "run it on a staging server first")
