"""What running a statement would do beyond giving its result: asked before EXPLAIN ANALYZE runs it."""

from __future__ import annotations

from dbtui.engines.base import Engine, HasStatistics


async def side_effects(engine: Engine, sql: str, *, database: str = "") -> tuple[str, ...] | None:
    """Volatile functions, triggers, sequences, cascades and dblink, a phrase each.

    Found by the words of the statement and of its plan, so that views are looked through; what a function calls
    inside is not seen. None where the engine cannot tell. Raises what explaining raises.
    """
    if engine.explain is None or not isinstance(engine, HasStatistics):
        return None
    raw = await engine.explain.explain(sql, database=database)
    return await engine.statistics.side_effects(sql, raw.text, database=database)
