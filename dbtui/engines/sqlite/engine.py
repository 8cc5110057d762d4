"""A SQLite file as one engine: its parts, put together on one connector."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from dbtui.config import Target
from dbtui.engines.base import Actions, Catalog, Explainer, Monitor, Querier, RunSession, Values
from dbtui.engines.sqlite.actions import NO_SIGNALS, SqliteActions
from dbtui.engines.sqlite.activity import NO_STATEMENTS, SqliteMonitor
from dbtui.engines.sqlite.catalog import SqliteCatalog
from dbtui.engines.sqlite.connection import Connector
from dbtui.engines.sqlite.explain import NOT_MEASURED, SqliteExplainer
from dbtui.engines.sqlite.nouns import NOUNS
from dbtui.engines.sqlite.query import SqliteQuerier
from dbtui.model.server import Server
from dbtui.model.survey import Surveyor

if TYPE_CHECKING:
    from dbtui.engines.sqlite.what_if import SqliteClone


class SqliteEngine:
    """See `engines.base.Engine`. The monitor has a connection of its own; catalog, query and explain share one."""

    name = "sqlite"
    nouns = NOUNS

    def __init__(self, target: Target) -> None:
        connector = Connector(target)
        work = connector.work()
        self._connector = connector
        self._work = work
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
            "partition": "SQLite has no partitions",
        }

    async def copy_to(self, path: str) -> None:
        """Write a copy of the file as it is now to a new path. Raises UsageError where the disk has no room for it."""
        from dbtui.engines.sqlite.copy import copy

        await copy(self._connector, path)

    async def hold(self, database: str = "") -> RunSession:
        """See `engines.base.RunsPlans`."""
        from dbtui.engines.held import opened
        from dbtui.engines.sqlite.run import SqliteRunSession

        return await opened(SqliteRunSession(self._connector))

    @cached_property
    def values(self) -> Values:
        from dbtui.engines.sqlite.column_values import SqliteValues

        return SqliteValues(self._work)

    async def what_if(self) -> SqliteClone:
        """A copy of the schema and statistics to plan on."""
        from dbtui.engines.sqlite.what_if import clone

        async with self._work.use() as connection:
            return await clone(connection)

    @cached_property
    def surveyor(self) -> Surveyor:
        from dbtui.engines.sqlite.survey import SqliteSurveyor

        return SqliteSurveyor(self._connector, self._work)

    async def open(self) -> Server:
        """Connect. Raises ConnectError; UsageError for a URL that names no file."""
        return await self._connector.connect()

    async def close(self) -> None:
        """Interrupt what runs and close, within half a second."""
        await self._connector.close()
