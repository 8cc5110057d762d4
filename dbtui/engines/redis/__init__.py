"""Redis 6 to 8, Valkey 7 to 9, and what speaks their protocol, through redis.asyncio's connections."""

from __future__ import annotations

from dbtui.config import Target
from dbtui.engines.base import Engine
from dbtui.engines.redis.engine import RedisEngine


def create(target: Target) -> Engine:
    """The engine for a target, not yet connected."""
    return RedisEngine(target)
