"""What the sampler asks a cluster: each tick health, nodes and tasks, every few seconds the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dbtui.documents import mapping, mappings
from dbtui.engines.elasticsearch import counters, health, sessions, statements
from dbtui.engines.elasticsearch.connection import Connection, Connector
from dbtui.engines.elasticsearch.failures import lacks
from dbtui.engines.watch import Watch
from dbtui.errors import PermissionDenied, QueryError, SessionLost
from dbtui.model.activity import Activity, Health, Unplaced
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost, Metric, SectionName, Snapshot, Source

_FAST, _SLOW = 7.0, 15.0  # seconds given to an answer


class ElasticMonitor:
    """See `engines.base.Monitor`."""

    metrics: Sequence[Metric] = counters.METRICS

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._watch = Watch(lambda: connector.open("monitor"), self._begin)
        self._figures = counters.Figures()
        self._names: dict[str, str] = {}
        self._tasks: list[Mapping[str, Any]] = []
        self._clients = 0
        self.sources: Sequence[Source] = (
            Source(("counters",), self._counters, timeout=_FAST),
            Source(("activity",), self._activity, timeout=_FAST),
            Source(("statements",), self._statements, every=5.0, timeout=_SLOW),
            Source(("health",), self._health, every=10.0, timeout=_SLOW),
        )

    @property
    def cost(self) -> Cost:
        """What the monitor's sessions have caused so far."""
        return self._watch.cost

    async def reconnect(self) -> Server:
        """Open the monitor connection anew. Raises ConnectError."""
        self._watch.release()
        return (await self._watch.session()).server

    def _begin(self, _connection: Connection) -> None:
        """Forget what was learned about the cluster: the next one may be another."""
        self._figures = counters.Figures()
        self._names, self._tasks, self._clients = {}, [], 0

    async def _counters(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        found = counters.of_health(mapping(await connection.get("_cluster", "health", timeout=_FAST)))
        try:
            stats = mapping(await connection.get(*counters.ASKED, timeout=_FAST, filter_path=counters.FILTER))
        except PermissionDenied:
            raise
        except QueryError as error:
            if not lacks(error):
                raise
            return {"counters": found}
        nodes = mapping(stats.get("nodes"))
        names = {id_: str(mapping(node).get("name") or id_) for id_, node in nodes.items()}
        if self._names and names and not self._names.keys() & names.keys():
            raise SessionLost("another cluster answers at this address", "it is asked anew who it is")
        self._names = names
        found |= self._figures.of(stats)
        self._clients = int(found.get("http_open", 0))
        return {"counters": found}

    async def _activity(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        answer = await connection.get("_tasks", timeout=_FAST, detailed=True, group_by="none")
        self._tasks = sessions.tasks_of(answer)
        shown = sessions.sessions_of(self._tasks, self._names)
        return {"activity": Activity(shown, self._clients or len(shown), None)}

    async def _statements(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        answer = await connection.get(*statements.ASKED, timeout=_SLOW, filter_path=statements.FILTER)
        return {"statements": statements.of_stats(mapping(answer))}

    async def _health(self, snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        try:
            answer = await connection.get("_recovery", timeout=_SLOW, active_only=True)
        except PermissionDenied:
            raise
        except QueryError as error:
            if not lacks(error):
                raise
            answer = {}
        progress = (*health.recoveries(answer), *sessions.progress_of(self._tasks, self._names))
        counted = snapshot.counters.value or {}
        missing = counted.get("unassigned_shards")
        unplaced = await _unplaced(connection, red=bool(counted.get("red"))) if missing else None
        return {"health": Health(progress=progress, unplaced=unplaced)}


async def _unplaced(connection: Connection, *, red: bool) -> Unplaced | None:
    """Why a shard without a node has none, where that is told; of a red cluster, one whose data are missing."""
    try:
        shard = await _missing_primary(connection) if red else None
        found = await connection.get("_cluster", "allocation", "explain", timeout=_SLOW, body=shard)
    except QueryError:  # placed meanwhile, or not ours to ask
        return None
    return health.unplaced(mapping(found))


async def _missing_primary(connection: Connection) -> Mapping[str, Any] | None:
    """A primary shard of a red index that has no node, as _cluster/allocation/explain wants it named."""
    asked: dict[str, Any] = {"timeout": _SLOW, "format": "json"}
    indices = await connection.get(
        "_cat", "indices", h="index", health="red", expand_wildcards="all", **asked
    )
    for index in (str(entry.get("index")) for entry in mappings(indices)):
        shards = await connection.get("_cat", "shards", index, h="shard,prirep,state", **asked)
        for shard in mappings(shards):
            if shard.get("prirep") == "p" and shard.get("state") == "UNASSIGNED":
                return {"index": index, "shard": int(shard["shard"]), "primary": True}
    return None
