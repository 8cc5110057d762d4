"""An engine on a file, opened and closed again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dbtui.config import Target
from dbtui.engines.sqlite.engine import SqliteEngine
from dbtui.model.result import Page


def engine_on(url: str) -> SqliteEngine:
    """Not yet connected."""
    return SqliteEngine(Target("file", "sqlite", url))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqliteEngine]:
    engine = engine_on(url)
    try:
        await engine.open()
        yield engine
    finally:
        await engine.close()


async def rows(engine: SqliteEngine, sql: str, *, timeout: float = 20.0) -> Page:
    """The first page of a statement."""
    assert engine.query is not None
    cursor = await engine.query.run(sql, timeout=timeout)
    try:
        return await cursor.fetch()
    finally:
        await cursor.close()
