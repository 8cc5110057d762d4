"""Elasticsearch and OpenSearch as one engine: its parts, put together on one connector."""

from __future__ import annotations

from collections.abc import Mapping

from dbtui.config import Target
from dbtui.engines.base import Actions, Catalog, Explainer, Monitor, Querier, RunSession
from dbtui.engines.elasticsearch.actions import ElasticActions
from dbtui.engines.elasticsearch.activity import ElasticMonitor
from dbtui.engines.elasticsearch.catalog import ElasticCatalog
from dbtui.engines.elasticsearch.connection import Connector
from dbtui.engines.elasticsearch.explain import ElasticExplainer
from dbtui.engines.elasticsearch.nouns import NOUNS
from dbtui.engines.elasticsearch.query import ElasticQuerier
from dbtui.model.server import Server


class ElasticEngine:
    """See `engines.base.Engine`. The monitor has a session of its own; catalog, queries and plans share one."""

    name = "elasticsearch"
    nouns = NOUNS

    def __init__(self, target: Target) -> None:
        connector = Connector(target)
        work = connector.work()
        self._connector = connector
        self._work = work
        self.monitor: Monitor = ElasticMonitor(connector)
        self.catalog: Catalog | None = ElasticCatalog(work)
        self.query: Querier | None = ElasticQuerier(work)
        self.explain: Explainer | None = ElasticExplainer(work)
        self.actions: Actions | None = ElasticActions(connector)
        self.lacks: Mapping[str, str] = {
            "terminate": "a task is no session that could be ended: x cancels it",
            "advise": "there are no indexes to advise: a search engine indexes every field that its mapping names.\n"
            "Pane 3 tells mappings and shards, ctrl+g with a in pane 4 where a search spends its time",
        }

    async def open(self) -> Server:
        """Connect. Raises ConnectError, AuthenticationError, NoSlotsLeft; UsageError, ConfigError for bad settings."""
        return await self._connector.connect()

    async def hold(self, database: str = "") -> RunSession:
        """See `engines.base.RunsPlans`. A cluster is one database."""
        from dbtui.engines.elasticsearch.run import ElasticRunSession
        from dbtui.engines.held import opened

        return await opened(ElasticRunSession(self._connector, self._work))

    async def close(self) -> None:
        """Drop the sessions and end the tunnel, whatever the server does."""
        await self._connector.close()
