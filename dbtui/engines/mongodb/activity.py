"""What the sampler asks a MongoDB server: each tick, when someone waits, and every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dbtui.engines.mongodb import counters, health, sessions
from dbtui.engines.mongodb.blockers import blockers
from dbtui.engines.mongodb.connection import Connector
from dbtui.engines.mongodb.failures import grant
from dbtui.engines.mongodb.scans import Scans
from dbtui.engines.mongodb.session import Connection
from dbtui.engines.mongodb.statements import Ranking
from dbtui.engines.watch import Watch
from dbtui.errors import PermissionDenied
from dbtui.model.activity import Activity, Health, Session
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost, Metric, SectionName, Snapshot, Source

_FAST, _SLOW = 5.0, 10.0  # seconds given to an answer
_LOOK_AGAIN = 60.0  # seconds until the operations of all users are asked for again after a refusal
MOST_OPERATIONS = 5_000


class MongoMonitor:
    """See `engines.base.Monitor`. `steady` is a clock that only moves forward, in seconds."""

    metrics: Sequence[Metric] = counters.METRICS

    def __init__(self, connector: Connector, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._connector = connector
        self._steady = steady
        self._watch = Watch(connector.monitor, self._begin)
        self.sources: Sequence[Source] = (
            Source(("counters",), self._counters, timeout=_FAST),
            Source(("activity", "counters"), self._activity, timeout=_FAST),
            Source(("locks",), self._locks, wanted=_someone_waits),
            Source(("statements",), self._statements, every=5.0, timeout=_SLOW),
            Source(("health", "counters"), self._health, every=10.0, timeout=_SLOW),
        )

    @property
    def cost(self) -> Cost:
        """What the monitor has caused so far."""
        return self._watch.cost

    async def reconnect(self) -> Server:
        """Open the connection anew. Raises ConnectError."""
        self._watch.release()
        await self._connector.connect()
        return (await self._watch.session()).server

    def _begin(self, _connection: Connection) -> None:
        """Forget what was learned about the server: this one may be another."""
        self._latency = counters.Latency()
        self._ranking = Ranking()
        self._scans = Scans()
        self._own_until = 0.0  # until then only the user's own operations are asked for
        self._operations: list[dict[str, Any]] = []
        self._status: dict[str, float] = {}

    async def _counters(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        status = await connection.command(counters.ASKED, timeout=_FAST, role="clusterMonitor")
        self._status = counters.of_status(status) | self._latency.of(status)
        return {"counters": self._status}

    def _of_sessions(self, shown: Sequence[Session]) -> dict[str, float]:
        """Figures of the sessions, where the server does not count for itself."""
        clients = [s for s in shown if s.kind == "client backend"]
        ages = [s.transaction_age for s in clients if s.transaction_age is not None]
        found = {
            "waiting": float(sum(s.wait_type == "Lock" for s in clients)),
            "oldest_transaction": max(ages, default=0.0),
        }
        if "connections" not in self._status:
            found["connections"] = float(len(clients))
        if "active" not in self._status:
            found["active"] = float(sum(s.state == "active" for s in clients))
        return found

    async def _activity(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        operations, all_users = await self._list_operations(connection)
        self._operations = [one for one in operations if not sessions.is_ours(one)]
        shown = tuple(sessions.session_of(operation) for operation in self._operations)
        shown = await self._scans.told(connection, self._operations, shown, self._steady())
        self._ranking.observe(shown, now=self._steady())
        taken = int(self._status.get("connections", sum(s.kind == "client backend" for s in shown)))
        limit = self._status.get("max_connections")
        hidden, remedy = 0, ""
        if not all_users:
            hidden = max(1, taken - len(shown))
            remedy = "own operations only: " + grant(connection.probe.user, "clusterMonitor")
        room = None if limit is None else int(limit)
        return {
            "activity": Activity(shown, taken, room, hidden=hidden, remedy=remedy),
            "counters": self._of_sessions(shown),
        }

    async def _list_operations(self, connection: Connection) -> tuple[list[dict[str, Any]], bool]:
        """The entries of $currentOp, and whether they are those of all users."""
        if self._steady() >= self._own_until:
            try:
                return await self._current(connection, {"allUsers": True, "idleSessions": True}), True
            except PermissionDenied:
                self._own_until = self._steady() + _LOOK_AGAIN
        return await self._current(connection, {"allUsers": False, "idleSessions": True}), False

    async def _current(self, connection: Connection, which: Mapping[str, bool]) -> list[dict[str, Any]]:
        asked = {"aggregate": 1, "pipeline": [{"$currentOp": dict(which)}], "cursor": {"batchSize": 1000}}
        return await connection.documents(asked, timeout=_FAST, most=MOST_OPERATIONS, role="clusterMonitor")

    async def _locks(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        return {"locks": blockers(self._operations)}

    async def _statements(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        return {"statements": await self._ranking.sample(connection, now=self._steady())}

    async def _health(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        status = await health.replica_status(connection)
        values = health.lag_counters(status)
        if status:
            window = await health.oplog_window(connection)
            values |= {} if window is None else {"oplog_window": window}
        return {
            "health": Health(health.replicas(status), sessions.progress_of(self._operations)),
            "counters": values,
        }


def _someone_waits(snapshot: Snapshot) -> bool:
    activity: Activity | None = snapshot.activity.value
    return activity is not None and any(s.wait_type == "Lock" for s in activity.sessions)
