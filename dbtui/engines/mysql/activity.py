"""What the sampler asks a MySQL or MariaDB server: each tick, when someone waits, and every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dbtui.engines.mysql import counters, deadlocks, locks, sessions, statements
from dbtui.engines.mysql.connection import Connection, Connector
from dbtui.engines.mysql.health import SlowLook
from dbtui.engines.mysql.locks import Locks
from dbtui.engines.mysql.sessions import ProcessList
from dbtui.engines.mysql.statements import Digests
from dbtui.engines.watch import Watch
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.activity import Deadlock, Progress
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost, Metric, SectionName, Snapshot, Source

_FAST, _LOCKS, _SLOW = 5.0, 3.0, 10.0  # seconds given to an answer


class MysqlMonitor:
    """See `engines.base.Monitor`. `steady` is a clock that only moves forward, in seconds."""

    metrics: Sequence[Metric] = counters.METRICS

    def __init__(self, connector: Connector, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._connector = connector
        self._steady = steady
        self._watch = Watch(lambda: connector.open("monitor"), self._begin)
        self._progress: tuple[Progress, ...] = ()
        self._row_waits: list[tuple[str, str]] = []
        self.sources: Sequence[Source] = (
            Source(("activity", "counters"), self._tick, timeout=_FAST),
            Source(("locks",), self._locks, timeout=_LOCKS, wanted=_someone_waits),
            Source(("statements",), self._statements, every=5.0, timeout=_SLOW),
            Source(("health", "counters"), self._health, every=10.0, timeout=_SLOW),
        )

    @property
    def cost(self) -> Cost:
        """What the monitor's sessions have caused so far."""
        return self._watch.cost

    async def reconnect(self) -> Server:
        """Open the monitor connection anew. Raises ConnectError."""
        self._watch.release()
        await self._watch.session()
        return self._connector.server

    async def last_deadlock(self) -> Deadlock:
        """See `engines.base.RemembersDeadlocks`."""
        connection = await self._watch.session()
        rows = await connection.fetch("SHOW ENGINE INNODB STATUS", timeout=_SLOW)
        return deadlocks.read(rows[0][2])

    def _begin(self, _connection: Connection) -> None:
        """Forget what was learned about the server: this one may be another."""
        probe = self._connector.probe
        self._list = ProcessList(probe)
        self._lock_waits = Locks(probe)
        self._slow = SlowLook(probe)
        self._sampled = statements.sampled()
        digests = probe.consumes("statements_digest")
        self._digests = Digests() if digests else None
        self._absence = "" if digests else statements.switch_on(probe)

    async def _tick(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        values = counters.of_status(await connection.fetch(counters.QUESTION, timeout=_FAST))
        self._row_waits = await self._rows_waited_for(connection, values)
        waiting = frozenset(waiter for waiter, _ in self._row_waits)
        sample = await self._list.read(connection, self._connector.own_ids, waiting, timeout=_FAST)
        probe = self._connector.probe
        self._progress = sample.progress
        if sample.memory is not None:
            values["session_memory"] = sample.memory
        values |= counters.of_sessions(sample.sessions)
        values["max_connections"] = probe.max_connections
        activity = sessions.activity_of(sample, values, probe)
        if activity.hidden:  # those who are not seen run as well
            values["running"] = values.get("threads_running", 0.0)
        if self._digests is None:
            self._sampled.observe(sample.sessions, now=self._steady())
        return {"activity": activity, "counters": values}

    async def _rows_waited_for(
        self, connection: Connection, values: Mapping[str, float]
    ) -> list[tuple[str, str]]:
        """Asked only when the server counts waits: the answer is dear where many locks are held."""
        if not values.get("innodb_row_lock_current_waits"):
            return []
        try:
            return await self._lock_waits.rows(connection, timeout=_LOCKS)
        except QueryError:
            return []  # the section of locks says why

    async def _locks(self, snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        rows = self._row_waits
        if not rows and (snapshot.counters.value or {}).get("innodb_row_lock_current_waits"):
            rows = await self._lock_waits.rows(connection, timeout=_LOCKS)
        metadata: list[tuple[str, str]] = []
        if sessions.waits_for_lock(snapshot.activity.value.sessions if snapshot.activity.value else ()):
            metadata = await self._lock_waits.metadata(connection, timeout=_LOCKS)
        return {"locks": locks.blockers([*rows, *metadata])}

    async def _statements(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        if self._digests is not None:
            try:
                return {
                    "statements": await self._digests.sample(connection, now=self._steady(), timeout=_SLOW)
                }
            except PermissionDenied as error:
                self._digests = None
                self._absence = (
                    f"sampled from the sessions that were seen active. For real counters: {error.remedy}"
                )
        return {"statements": self._sampled.seen(note=self._absence)}

    async def _health(self, snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        seen = snapshot.activity.value.sessions if snapshot.activity.value is not None else ()
        health, values = await self._slow.read(connection, seen, self._progress, timeout=_SLOW)
        return {"health": health, "counters": values}


def _someone_waits(snapshot: Snapshot) -> bool:
    values = snapshot.counters.value or {}
    seen = snapshot.activity.value.sessions if snapshot.activity.value is not None else ()
    return values.get("innodb_row_lock_current_waits", 0) > 0 or sessions.waits_for_lock(seen)
