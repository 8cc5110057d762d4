"""MongoDB as one engine: its parts, put together on one connector."""

from __future__ import annotations

from collections.abc import Mapping

from dbtui.config import Target
from dbtui.engines.base import Actions, Catalog, Explainer, Monitor, Querier, RunSession
from dbtui.engines.mongodb.actions import MongoActions
from dbtui.engines.mongodb.activity import MongoMonitor
from dbtui.engines.mongodb.catalog import MongoCatalog
from dbtui.engines.mongodb.connection import Connector
from dbtui.engines.mongodb.explain import MongoExplainer
from dbtui.engines.mongodb.nouns import NOUNS
from dbtui.engines.mongodb.query import MongoQuerier
from dbtui.model.server import Server

LACKS = {
    "rewrite": "there are rewrites for SQL alone",
    "partition": "a collection is split by sharding, which no rule here advises",
    "what if": "no planner of MongoDB's can be asked about indexes that are not there",
}
FERRETDB_LACKS = {
    "cancel": "FerretDB has no killOp: in its PostgreSQL, SELECT pg_cancel_backend(opid) stops an operation",
    "terminate": "FerretDB ends no session of others: in its PostgreSQL, SELECT pg_terminate_backend(opid) does",
}


class MongoEngine:
    """See `engines.base.Engine`. Monitor and work share one client, each action has one of its own."""

    name = "mongodb"
    nouns = NOUNS

    def __init__(self, target: Target) -> None:
        connector = Connector(target)
        self._connector = connector
        self.monitor: Monitor = MongoMonitor(connector)
        self.catalog: Catalog | None = MongoCatalog(connector)
        self.query: Querier | None = MongoQuerier(connector)
        self.explain: Explainer | None = MongoExplainer(connector)
        self.actions: Actions | None = MongoActions(connector)

    @property
    def lacks(self) -> Mapping[str, str]:
        """See `engines.base.Engine`; a server that is known adds what it lacks."""
        return LACKS | (FERRETDB_LACKS if self._connector.is_ferretdb else {})

    async def open(self) -> Server:
        """Connect. Raises ConnectError, AuthenticationError, NoSlotsLeft; UsageError for a URL that is none."""
        return await self._connector.connect()

    async def hold(self, database: str = "") -> RunSession:
        """See `engines.base.RunsPlans`."""
        from dbtui.engines.held import opened
        from dbtui.engines.mongodb.run import MongoRunSession

        return await opened(MongoRunSession(self._connector, database))

    async def close(self) -> None:
        """Leave at once, whatever the server does."""
        await self._connector.close()
