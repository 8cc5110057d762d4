"""PostgreSQL as one engine: its parts, put together on one connector; each is imported when it is first used."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from dbtui.config import Target
from dbtui.engines.base import Actions, Catalog, Explainer, Monitor, Querier, RunSession, Values
from dbtui.engines.postgres.activity import PostgresMonitor
from dbtui.engines.postgres.connection import Connector
from dbtui.engines.postgres.nouns import NOUNS
from dbtui.model.server import Server
from dbtui.model.statistics import Statistics
from dbtui.model.survey import Surveyor

if TYPE_CHECKING:
    from dbtui.engines.postgres.hypothetical import HypotheticalPlanner
    from dbtui.engines.postgres.source import PostgresSource


class PostgresEngine:
    """See `engines.base.Engine`. The monitor has a session of its own; catalog, query and explain share one."""

    name = "postgres"
    nouns = NOUNS

    def __init__(self, target: Target) -> None:
        self._connector = Connector(target)
        self._work = self._connector.work()
        self.monitor: Monitor = PostgresMonitor(self._connector)
        self.lacks: Mapping[str, str] = {}

    @cached_property
    def catalog(self) -> Catalog:
        from dbtui.engines.postgres.catalog import PostgresCatalog

        return PostgresCatalog(self._connector, self._work)

    @cached_property
    def query(self) -> Querier:
        from dbtui.engines.postgres.query import PostgresQuerier

        return PostgresQuerier(self._connector, self._work)

    @cached_property
    def explain(self) -> Explainer:
        from dbtui.engines.postgres.explain import PostgresExplainer

        return PostgresExplainer(self._connector, self._work)

    def hypothetical(self, database: str = "") -> HypotheticalPlanner:
        """Who plans with indexes that are not there, on a server that has HypoPG."""
        from dbtui.engines.postgres.explain import PostgresExplainer
        from dbtui.engines.postgres.hypothetical import HypotheticalPlanner

        return HypotheticalPlanner(self._work, PostgresExplainer(self._connector, self._work), database)

    @cached_property
    def actions(self) -> Actions:
        from dbtui.engines.postgres.actions import PostgresActions

        return PostgresActions(self._connector)

    @cached_property
    def statistics(self) -> Statistics:
        from dbtui.engines.postgres.statistics import PostgresStatistics

        return PostgresStatistics(self._work)

    @cached_property
    def values(self) -> Values:
        from dbtui.engines.postgres.column_values import PostgresValues

        return PostgresValues(self.statistics)

    @cached_property
    def source(self) -> PostgresSource:
        """What a shadow is cloned from."""
        from dbtui.engines.postgres.source import PostgresSource

        return PostgresSource(self._connector, self._work)

    async def hold(self, database: str = "") -> RunSession:
        """See `engines.base.RunsPlans`."""
        from dbtui.engines.postgres.run import hold

        return await hold(self._connector, self._work, database)

    @cached_property
    def surveyor(self) -> Surveyor:
        from dbtui.engines.postgres.survey import PostgresSurveyor

        return PostgresSurveyor(self._connector, self._work)

    async def open(self) -> Server:
        """Connect. Raises ConnectError, AuthenticationError, NoSlotsLeft; UsageError, ConfigError for bad settings."""
        return await self._connector.connect()

    async def close(self) -> None:
        """End the sessions and the tunnel within half a second, whatever the server does."""
        await self._connector.close()
