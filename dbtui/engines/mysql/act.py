"""The act session: opened for one approved thing, and closed whatever became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dbtui.engines.mysql.connection import Connection, Connector
from dbtui.engines.mysql.failures import FAILURES
from dbtui.engines.slots import Purpose


@asynccontextmanager
async def acting(
    connector: Connector, database: str = "", purpose: Purpose = "act"
) -> AsyncIterator[Connection]:
    """A session that may write. Raises ConnectError, and what the block raises as the console's own errors."""
    connection = await connector.open(purpose, database=database, writable=True)
    try:
        yield connection
    except FAILURES as error:
        raise connection.described(error) from None
    finally:
        await connection.close()
