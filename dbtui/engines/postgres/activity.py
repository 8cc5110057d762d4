"""What the sampler asks a PostgreSQL server: each tick, when someone waits, and every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dbtui.engines.postgres import counters, deadlocks, health, prepared, sessions
from dbtui.engines.postgres.connection import Connection, Connector
from dbtui.engines.postgres.health import Worst
from dbtui.engines.postgres.refusal import Question
from dbtui.engines.postgres.statements import CountedStatements, SampledStatements
from dbtui.engines.room import free_bytes
from dbtui.engines.watch import Watch
from dbtui.errors import QueryError
from dbtui.model.activity import Activity, Deadlock, Statements
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost, Metric, SectionName, Snapshot, Source

_FAST, _LOCKS, _SLOW = 5.0, 2.0, 10.0  # seconds given to an answer
_LOOK_AGAIN = 60.0  # seconds until pg_stat_statements is looked for again
_ABSENT = frozenset({"55000", "42P01", "42883", "42501"})  # not preloaded, dropped since, or not ours to read


class PostgresMonitor:
    """See `engines.base.Monitor`. `steady` is a clock that only moves forward, in seconds."""

    metrics: Sequence[Metric] = counters.METRICS

    def __init__(self, connector: Connector, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._connector = connector
        self._tunnelled = bool(connector.target.ssh)
        self._steady = steady
        self._watch = Watch(lambda: connector.open("monitor"), self._begin)
        self.sources: Sequence[Source] = (
            Source(("activity", "counters"), self._tick, timeout=_FAST),
            Source(("locks", "activity"), self._locks, timeout=_LOCKS, wanted=_someone_waits),
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
        return (await self._watch.session()).server

    async def last_deadlock(self) -> Deadlock:
        """See `engines.base.RemembersDeadlocks`."""
        return await deadlocks.last(self._connector)

    def _begin(self, connection: Connection) -> None:
        """Forget what was learned about the server: this one may be another."""
        columns = connection.probe.columns
        self._present = frozenset(f"{view}.{column}" for view in columns for column in columns[view])
        self._activity = Question("activity", "wal", "lag")
        self._slow = Question("health", "replicas", "slots", "copy", "archiver")
        self._worn = Worst()
        self._counted = CountedStatements()
        self._sampled = SampledStatements()
        self._looked_at = self._steady()
        self._absence = ""

    async def _tick(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        answer = await self._activity.ask(connection, present=self._present, timeout=_FAST)
        activity = sessions.activity_of(answer)
        if self._samples(connection):
            self._sampled.observe(activity.sessions, now=self._steady())
        else:
            self._counted.notice(activity.sessions)
        values = counters.of_sample(answer, activity.connections, activity.sessions)
        return {"activity": activity, "counters": values}

    async def _locks(self, snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        activity: Activity | None = snapshot.activity.value
        if activity is None:
            return {"locks": {}, "activity": None}
        found = await sessions.blockers(connection, activity, timeout=_LOCKS)
        locks, nobodies = await prepared.named(connection, found, timeout=_LOCKS)
        return {"locks": locks, "activity": replace(activity, sessions=(*activity.sessions, *nobodies))}

    async def _statements(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        if not self._samples(connection):
            try:
                found = await self._counted.sample(
                    connection, self._present, now=self._steady(), timeout=_SLOW
                )
            except QueryError as error:
                if error.code not in _ABSENT:
                    raise
                self._absence = f"sampled from the sessions that were seen active, because {error}"
            else:
                return {"statements": found}
        return {"statements": await self._without_counters(connection)}

    def _samples(self, connection: Connection) -> bool:
        """Whether statements are ranked by sampled activity."""
        return bool(self._absence) or not connection.probe.statements_schema

    async def _without_counters(self, connection: Connection) -> Statements:
        """The sampled statements; once a minute, a look whether there are counters by now."""
        if self._steady() - self._looked_at > _LOOK_AGAIN:
            self._looked_at = self._steady()
            there = "SELECT count(*) FROM pg_catalog.pg_extension WHERE extname = 'pg_stat_statements'"
            if await connection.fetchval(there) and not connection.probe.statements_schema:
                await self.reconnect()
            self._absence = ""
        probe = connection.probe
        loaded = "pg_stat_statements.max" in probe.settings
        return self._sampled.sample(loaded=loaded, database=probe.database, reason=self._absence)

    async def _health(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        answer = await self._slow.ask(connection, present=self._present, timeout=_SLOW)
        worn = await self._worn.look(connection, now=self._steady(), timeout=_SLOW)
        found = replace(health.health_of(answer), worn=worn)
        counted = health.slow_counters(answer)
        data = connection.probe.settings.get("data_directory", "")
        folders = (f"{data}/pg_wal", data) if data else ()
        free = free_bytes(connection.server.address, *folders, tunnelled=self._tunnelled)
        counted |= {} if free is None else {"disk_free": float(free)}
        return {"health": found, "counters": counted}


def _someone_waits(snapshot: Snapshot) -> bool:
    return sessions.waits_for_lock(snapshot.activity.value)
