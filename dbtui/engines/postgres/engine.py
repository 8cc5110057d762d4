"""PostgreSQL as one engine: its parts, put together on one connector."""

from __future__ import annotations

from collections.abc import Mapping

from dbtui.config import Target
from dbtui.engines.base import Actions, Catalog, Explainer, Monitor, Querier
from dbtui.engines.postgres.actions import PostgresActions
from dbtui.engines.postgres.activity import PostgresMonitor
from dbtui.engines.postgres.catalog import PostgresCatalog
from dbtui.engines.postgres.connection import Connector, Work
from dbtui.engines.postgres.explain import PostgresExplainer
from dbtui.engines.postgres.query import PostgresQuerier
from dbtui.model.server import Server


class PostgresEngine:
    """See `engines.base.Engine`. The monitor has a session of its own; catalog, query and explain share one."""

    name = "postgres"

    def __init__(self, target: Target) -> None:
        connector = Connector(target)
        work = Work(connector)
        self._connector = connector
        self.monitor: Monitor = PostgresMonitor(connector)
        self.catalog: Catalog | None = PostgresCatalog(connector, work)
        self.query: Querier | None = PostgresQuerier(connector, work)
        self.explain: Explainer | None = PostgresExplainer(connector, work)
        self.actions: Actions | None = PostgresActions(connector)
        self.lacks: Mapping[str, str] = {}

    async def open(self) -> Server:
        """Connect. Raises ConnectError, AuthenticationError, NoSlotsLeft; UsageError, ConfigError for bad settings."""
        return await self._connector.connect()

    async def close(self) -> None:
        """End the sessions and the tunnel within half a second, whatever the server does."""
        await self._connector.close()
