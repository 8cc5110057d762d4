"""MySQL or MariaDB as one engine: its parts, put together on one connector."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from dbtui.config import Target
from dbtui.engines.base import Actions, Catalog, Explainer, Monitor, Querier, RunSession, Values
from dbtui.engines.mysql.actions import MysqlActions
from dbtui.engines.mysql.activity import MysqlMonitor
from dbtui.engines.mysql.catalog import MysqlCatalog
from dbtui.engines.mysql.connection import Connector
from dbtui.engines.mysql.explain import MysqlExplainer
from dbtui.engines.mysql.nouns import NOUNS
from dbtui.engines.mysql.query import MysqlQuerier
from dbtui.model.server import Server
from dbtui.model.survey import Surveyor


class MysqlEngine:
    """See `engines.base.Engine`. The monitor has a session of its own; catalog, query and explain share one."""

    name = "mysql"
    nouns = NOUNS

    def __init__(self, target: Target) -> None:
        connector = Connector(target)
        work = connector.work()
        self._connector = connector
        self._work = work
        self.monitor: Monitor = MysqlMonitor(connector)
        self.catalog: Catalog | None = MysqlCatalog(connector, work)
        self.query: Querier | None = MysqlQuerier(connector, work)
        self.explain: Explainer | None = MysqlExplainer(connector, work)
        self.actions: Actions | None = MysqlActions(connector)
        self.lacks: Mapping[str, str] = {
            "partition": "there is partition advice for PostgreSQL alone",
            "what if": "neither MySQL nor MariaDB can be asked about indexes that are not there",
        }

    @cached_property
    def surveyor(self) -> Surveyor:
        from dbtui.engines.mysql.survey import MysqlSurveyor

        return MysqlSurveyor(self._connector, self._work)

    @cached_property
    def values(self) -> Values:
        from dbtui.engines.mysql.column_values import MysqlValues

        return MysqlValues(self._connector, self._work)

    async def hold(self, database: str = "") -> RunSession:
        """See `engines.base.RunsPlans`."""
        from dbtui.engines.held import opened
        from dbtui.engines.mysql.run import MysqlRunSession

        return await opened(MysqlRunSession(self._connector, self._work, database))

    async def behind(self) -> float | None:
        """See `engines.base.Follows`: the slowest of its channels."""
        from dbtui.engines.mysql.health import channels

        async with self._work.use("") as connection:
            found = await channels(connection, mariadb=self._connector.probe.mariadb, timeout=5.0)
        lags = [one.lag_seconds for one in found]
        return None if not lags or None in lags else max(lag for lag in lags if lag is not None)

    async def open(self) -> Server:
        """Connect. Raises ConnectError, AuthenticationError, NoSlotsLeft; UsageError, ConfigError for bad settings."""
        return await self._connector.connect()

    async def close(self) -> None:
        """End the sessions and the tunnel within half a second, whatever the server does."""
        await self._connector.close()
