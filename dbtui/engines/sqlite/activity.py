"""What the sampler asks: the files, who holds them, and a few pragmas that cost one page."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dbtui.engines.sqlite import counters, files, holders, statistics
from dbtui.engines.sqlite.connection import Connection, Connector
from dbtui.engines.sqlite.failures import is_busy
from dbtui.engines.sqlite.place import Place, identity_of
from dbtui.engines.sqlite.sessions import Tracker
from dbtui.engines.watch import Watch
from dbtui.errors import SessionLost
from dbtui.model.activity import Activity, Health, Statements
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost, Metric, SectionName, Snapshot, Source

NO_STATEMENTS = (
    "SQLite keeps no statement counters: each application runs SQLite itself, and there is no server to count. "
    "sqlite3_trace or the profiler of your application tells its statements; ctrl+g explains one here."
)
_FAST, _SLOW = 5.0, 5.0  # seconds given to an answer
_LOOK_SHARE = 50  # the search for openers takes at most one part in so many of the time
_LOOK_EVERY = 2.0  # seconds at least between two searches


class SqliteMonitor:
    """See `engines.base.Monitor`. `steady` is a clock that only moves forward, in seconds."""

    metrics: Sequence[Metric] = counters.METRICS

    def __init__(self, connector: Connector, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._connector = connector
        self._steady = steady
        self._watch = Watch(lambda: connector.open("monitor"), self._begin)
        self.sources: Sequence[Source] = (
            Source(("activity", "counters"), self._tick, timeout=_FAST),
            Source(("statements",), self._statements, every=3600.0),
            Source(("health", "counters"), self._statistics, every=60.0, timeout=_SLOW),
        )

    @property
    def cost(self) -> Cost:
        """What the monitor's connections have caused so far."""
        return self._watch.cost

    async def reconnect(self) -> Server:
        """Open the monitor's connection anew, on the file that stands at the path now. Raises ConnectError."""
        former = self._watch.release()
        if former is not None:
            await former.close()
        server = await self._connector.connect()
        await self._watch.session()
        return server

    def _begin(self, _connection: Connection) -> None:
        """Forget what was learned about the file: this one may be another."""
        self._tracker = Tracker()
        self._commits = counters.Commits()
        self._openers: tuple[dict[int, str], int] = ({}, 0)
        self._look_at = 0.0

    async def _tick(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        place, identity = connection.place, connection.identity

        def look(raw: sqlite3.Connection) -> tuple[Activity, dict[str, float]]:
            if identity_of(place.path) != identity:
                raise SessionLost(f"{place.name} was replaced or removed", "the file is opened anew")
            seen = self._look(place)
            activity = self._tracker.activity(seen, place.name, now=self._steady())
            index, header = files.wal_index(place), files.header(identity)
            values = _told(header) or _asked(raw)
            changes = None if header is None or header.in_wal else header.changes
            version = values.pop("data_version", None)
            commits = self._commits.count(index, changes, version if header is None else None)
            marks = [mark for one in seen.processes for mark in one.marks]
            measured: dict[str, float] = dict(values)
            measured |= counters.of_files(
                files.sizes(place), index, marks, int(values.get("page_size", 4096))
            )
            measured |= counters.of_sessions(activity.sessions)
            if commits is not None:
                measured["commits"] = commits
            if values.get("page_count"):
                measured["free_share"] = values["free_pages"] / values["page_count"]
                measured["database_bytes"] = values["page_count"] * values["page_size"]
            return activity, measured

        activity, measured = await connection.run(look, timeout=_FAST)
        return {"activity": activity, "counters": measured}

    def _look(self, place: Place) -> holders.Seen:
        """Locks each time; who merely has the file open as often as the search is cheap."""
        started = self._steady()
        if started >= self._look_at:
            self._openers = holders.openers(place)
            took = self._steady() - started
            self._look_at = started + max(_LOOK_EVERY, took * _LOOK_SHARE)
        return holders.look(place, *self._openers)

    async def _statements(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        return {"statements": Statements((), source="no counters", note=NO_STATEMENTS)}

    async def _statistics(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        count = await connection.run(statistics.unanalysed, timeout=_SLOW)
        return {"health": Health(), "counters": {} if count is None else {"unanalysed": count}}


def _told(header: files.Header | None) -> dict[str, int]:
    """Figures of the database from its header: a question would hold off commits where there is no WAL."""
    if header is None or header.in_wal or header.pages is None:
        return {}
    return {"page_size": header.page_size, "page_count": header.pages, "free_pages": header.free_pages}


def _asked(raw: sqlite3.Connection) -> dict[str, int]:
    """Figures of the database from SQLite; none while somebody keeps readers out."""
    try:
        return {
            name: int(raw.execute(f"PRAGMA {pragma}").fetchone()[0])
            for name, pragma in (
                ("data_version", "data_version"),
                ("page_size", "page_size"),
                ("page_count", "page_count"),
                ("free_pages", "freelist_count"),
            )
        }
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        return {}
