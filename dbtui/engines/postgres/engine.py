"""PostgreSQL as one engine: its parts, put together on one connector."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from dbtui.config import Target
from dbtui.engines.postgres.connection import Connector, Work
from dbtui.model.server import Server


def _part(module: str, name: str, *arguments: object) -> Any:
    found = find_spec(f"dbtui.engines.postgres.{module}")
    part = None if found is None else getattr(import_module(found.name), name, None)
    return None if part is None else part(*arguments)


class PostgresEngine:
    """See `engines.base.Engine`."""

    name = "postgres"

    def __init__(self, target: Target) -> None:
        self.connector = Connector(target)
        self.work = Work(self.connector)
        self.monitor = _part("activity", "PostgresMonitor", self.connector)
        self.catalog = _part("catalog", "PostgresCatalog", self.connector, self.work)
        self.query = _part("query", "PostgresQuerier", self.connector, self.work)
        self.explain = _part("explain", "PostgresExplainer", self.connector, self.work)
        self.actions = _part("actions", "PostgresActions", self.connector)
        self.lacks: Mapping[str, str] = {}

    async def open(self) -> Server:
        return await self.connector.connect()

    async def close(self) -> None:
        await self.connector.close()
