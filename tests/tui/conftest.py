"""Fixtures of the console's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest

from dbtui.tui.widgets.roles import UNICODE, use_glyphs
from tests.servers.postgres import PostgresServer

Connect = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
def unicode_glyphs() -> Iterator[None]:
    """The signs are the process's: a console in ASCII must not change those of the next test."""
    yield
    use_glyphs(UNICODE)


@pytest.fixture
async def connect(postgres18: PostgresServer) -> AsyncIterator[Connect]:
    """Opens sessions of a user's own on the server; they end with the test."""
    opened: list[Any] = []

    async def open_(server: PostgresServer = postgres18, **more: Any) -> Any:
        application = more.pop("application", "app")
        facts = {"host": str(server.socket), "port": server.port, "user": "postgres", "database": "postgres"}
        connection = await asyncpg.connect(**facts | more, server_settings={"application_name": application})
        opened.append(connection)
        return connection

    yield open_
    for connection in opened:
        connection.terminate()
