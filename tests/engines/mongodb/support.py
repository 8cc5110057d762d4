"""What the tests of this engine share: a database with documents, an open engine, rows of a command."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import pymongo

from dbtui.config import Target, resolve
from dbtui.engines.mongodb.engine import MongoEngine
from tests.servers.ferretdb import FerretServer

_number = itertools.count(1)


def target_of(url: str, **more: Any) -> Target:
    """A target called "orders"; `more` are its fields."""
    return replace(resolve(url), name="orders", **more)


@asynccontextmanager
async def opened(url: str, **more: Any) -> AsyncIterator[MongoEngine]:
    """A connected engine, left at the end."""
    engine = MongoEngine(target_of(url, **more))
    try:
        await engine.open()
        yield engine
    finally:
        await engine.close()


@contextmanager
def database(server: FerretServer) -> Iterator[Any]:
    """An empty database of its own, through pymongo's blocking client; dropped at the end."""
    with pymongo.MongoClient(server.url(), serverMonitoringMode="poll") as client:
        name = f"test_{os.getpid()}_{next(_number)}"
        try:
            yield client[name]
        finally:
            client.drop_database(name)


async def rows_of(
    engine: MongoEngine, text: str, where: str = "", count: int = 1000
) -> tuple[list[str], list[tuple[str | None, ...]]]:
    """The names of the columns and the rows of a command."""
    assert engine.query is not None
    cursor = await engine.query.run(text, database=where)
    try:
        page = await cursor.fetch(count)
        return [column.name for column in page.columns], list(page.rows)
    finally:
        await cursor.close()
