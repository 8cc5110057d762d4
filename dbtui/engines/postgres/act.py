"""The act session: opened for one approved thing, and closed whatever became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from dbtui.engines.postgres.connection import LOCK_LIMIT, Connector
from dbtui.engines.slots import Purpose


@dataclass(frozen=True, slots=True)
class Acting:
    """The open session; settings of a pooled one outlive it, so only those of a transaction may be changed."""

    raw: asyncpg.Connection
    pooled: bool


@asynccontextmanager
async def acting(connector: Connector, database: str, purpose: Purpose = "act") -> AsyncIterator[Acting]:
    """A session that may write. Raises ConnectError, and what the block raises as the console's own errors."""
    connection = await connector.open(purpose, database=database, writable=True)
    try:
        async with connection.writing() as raw:
            yield Acting(raw, connection.pooled)
    finally:
        await connection.close()


def begin(timeout: float) -> str:
    """A transaction that waits neither for the statement nor for a lock for long; seconds."""
    limits = {"statement_timeout": timeout, "lock_timeout": min(timeout / 2, LOCK_LIMIT)}
    settings = "".join(f"; SET LOCAL {name} TO {int(value * 1000)}" for name, value in limits.items())
    return f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE{settings}"
