"""Whether an index that a plan built is used since, by the server's own counters."""

from __future__ import annotations

from dbtui.engines.base import Engine
from dbtui.errors import DbtuiError
from dbtui.migrations.dialect import POSTGRESQL
from dbtui.model.change import ChangePlan
from dbtui.model.run import Run, State


async def index_use(engine: Engine, plan: ChangePlan, run: Run) -> dict[int, str]:
    """A line for each index step that is done; none where the server does not count."""
    found: dict[int, str] = {}
    for one in run.steps:
        if one.step.index and one.state is State.DONE:
            used = await _uses(engine, plan, one.step.index)
            if used is not None:
                found[one.step.number] = (
                    f"its index was used {used:,} times" if used else "its index is not used yet"
                )
    return found


async def _uses(engine: Engine, plan: ChangePlan, index: str) -> int | None:
    if plan.engine != "postgresql" or engine.query is None:
        return None
    question = (
        "SELECT idx_scan FROM pg_catalog.pg_stat_all_indexes"  # noqa: S608 - quoted
        f" WHERE indexrelid = to_regclass({POSTGRESQL.literal(index)})"
    )
    try:
        cursor = await engine.query.run(question, database=plan.database, timeout=10.0)
        try:
            page = await cursor.fetch(1)
        finally:
            await cursor.close()
    except DbtuiError:
        return None
    return int(page.rows[0][0]) if page.rows and page.rows[0][0] is not None else None
