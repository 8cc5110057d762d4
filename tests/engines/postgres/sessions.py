"""What the tests of catalog, query, plans and actions share: a connector with its work session, and other clients."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from dbtui.config import Target
from dbtui.engines.postgres.connection import Connector, Work
from tests.servers.postgres import PostgresServer

_number = itertools.count(1)


@asynccontextmanager
async def working(
    server: PostgresServer, database: str = "postgres", user: str | None = None
) -> AsyncIterator[tuple[Connector, Work]]:
    connector = Connector(Target("test", "postgresql", server.url(database, user)))
    await connector.connect()
    try:
        yield connector, connector.work()
    finally:
        await connector.close()


@asynccontextmanager
async def client(
    server: PostgresServer, database: str = "postgres", user: str | None = None
) -> AsyncIterator[asyncpg.Connection]:
    """Another session, which may do anything."""
    connection = await asyncpg.connect(server.url(database, user))
    try:
        yield connection
    finally:
        connection.terminate()


def new_role(server: PostgresServer) -> str:
    """A role without any privilege of its own."""
    name = f"plain {next(_number)}"
    server.psql(f'create role "{name}" login')
    return name


def count(server: PostgresServer) -> int:
    """How many sessions the console has."""
    return len(states(server))


def states(server: PostgresServer) -> list[str]:
    """The states of the console's sessions."""
    return server.psql("select state from pg_stat_activity where application_name = 'dbtui'").splitlines()
