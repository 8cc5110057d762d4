"""A SQLite file as one engine: its parts, put together on one connector."""

from __future__ import annotations

from collections.abc import Mapping

from dbtui.config import Target
from dbtui.engines.base import Actions, Catalog, Explainer, Monitor, Querier
from dbtui.engines.sqlite.actions import NO_SIGNALS, SqliteActions
from dbtui.engines.sqlite.activity import NO_STATEMENTS, SqliteMonitor
from dbtui.engines.sqlite.catalog import SqliteCatalog
from dbtui.engines.sqlite.connection import Connector
from dbtui.engines.sqlite.explain import NOT_MEASURED, SqliteExplainer
from dbtui.engines.sqlite.query import SqliteQuerier
from dbtui.model.server import Server


class SqliteEngine:
    """See `engines.base.Engine`. The monitor has a connection of its own; catalog, query and explain share one."""

    name = "sqlite"

    def __init__(self, target: Target) -> None:
        connector = Connector(target)
        work = connector.work()
        self._connector = connector
        self.monitor: Monitor = SqliteMonitor(connector)
        self.catalog: Catalog | None = SqliteCatalog(connector, work)
        self.query: Querier | None = SqliteQuerier(connector, work)
        self.explain: Explainer | None = SqliteExplainer(connector, work)
        self.actions: Actions | None = SqliteActions(connector)
        self.lacks: Mapping[str, str] = {
            "statements": NO_STATEMENTS,
            "cancel": NO_SIGNALS,
            "terminate": NO_SIGNALS,
            "analyze": NOT_MEASURED,
        }

    async def open(self) -> Server:
        """Connect. Raises ConnectError; UsageError for a URL that names no file."""
        return await self._connector.connect()

    async def close(self) -> None:
        """Interrupt what runs and close, within half a second."""
        await self._connector.close()
