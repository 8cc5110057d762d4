"""Redis and Valkey as one engine: its parts, put together on one connector."""

from __future__ import annotations

from collections.abc import Mapping

from dbtui.config import Target
from dbtui.engines.base import Actions, Catalog, Explainer, Monitor, Querier, RunSession
from dbtui.engines.redis.actions import RedisActions
from dbtui.engines.redis.activity import RedisMonitor
from dbtui.engines.redis.catalog import RedisCatalog
from dbtui.engines.redis.connection import Connector
from dbtui.engines.redis.explain import NO_INDEXES, NOT_MEASURED, RedisExplainer
from dbtui.engines.redis.nouns import NOUNS
from dbtui.engines.redis.query import RedisQuerier
from dbtui.model.server import Server


class RedisEngine:
    """See `engines.base.Engine`. The monitor has a session of its own; catalog and query share one."""

    name = "redis"
    nouns = NOUNS

    def __init__(self, target: Target) -> None:
        connector = Connector(target)
        work = connector.work()
        self._connector = connector
        self._work = work
        self.monitor: Monitor = RedisMonitor(connector)
        self.catalog: Catalog | None = RedisCatalog(connector, work)
        self.query: Querier | None = RedisQuerier(work)
        self.explain: Explainer | None = RedisExplainer(work)
        self.actions: Actions | None = RedisActions(connector)
        self.lacks: Mapping[str, str] = {"analyze": NOT_MEASURED, "advise": NO_INDEXES}

    async def open(self) -> Server:
        """Connect. Raises ConnectError, AuthenticationError, NoSlotsLeft; UsageError, ConfigError for bad settings."""
        return await self._connector.connect()

    async def hold(self, database: str = "") -> RunSession:
        """See `engines.base.RunsPlans`."""
        from dbtui.engines.held import opened
        from dbtui.engines.redis.run import RedisRunSession

        return await opened(RedisRunSession(self._connector, self._work, database))

    async def close(self) -> None:
        """Drop the sessions and end the tunnel, whatever the server does."""
        await self._connector.close()
