"""PostgreSQL 13 to 18, and what speaks its protocol, through asyncpg."""

from __future__ import annotations

from dbtui.config import Target
from dbtui.engines.base import Engine
from dbtui.engines.postgres.engine import PostgresEngine


def create(target: Target) -> Engine:
    """The engine for a target, not yet connected."""
    return PostgresEngine(target)
