"""What running a statement would do beyond giving its result: asked before EXPLAIN ANALYZE runs it."""

from __future__ import annotations

from dbtui.engines.base import Engine, Foretells


async def side_effects(engine: Engine, sql: str, *, database: str = "") -> tuple[str, ...] | None:
    """Volatile functions, triggers, sequences, cascades and the like, a phrase each.

    What a function does inside is not seen. None where the engine cannot tell. Raises what explaining raises.
    """
    explainer: object = engine.explain
    return await explainer.side_effects(sql, database=database) if isinstance(explainer, Foretells) else None
