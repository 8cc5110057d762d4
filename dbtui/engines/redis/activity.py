"""What the sampler asks a server: each tick INFO and the clients, every few seconds the logs.

INFO is asked once a tick and read by key; the counters of commands are in it. CLIENT LIST costs the server time for
each client, so of many it is asked every few seconds only, and a figure tells its age.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dbtui.engines.redis import counters, health, hot, sessions, statements
from dbtui.engines.redis.connection import Connection, Connector
from dbtui.engines.redis.failures import BUSY, grant
from dbtui.engines.redis.info import sections, whole
from dbtui.engines.redis.words import argument
from dbtui.engines.watch import Watch
from dbtui.errors import DbtuiError, PermissionDenied, QueryError
from dbtui.model.activity import Activity, Health, Hot, Session
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost, Metric, SectionName, Snapshot, Source

MANY = 500  # clients, above which CLIENT LIST is not asked each tick
LIST_EVERY = 10.0  # seconds
_FAST, _SLOW = 7.0, 10.0  # seconds given to an answer; a script is told of by the server after 5 s
_SPIKE = 60.0  # seconds for which a latency spike is told
_HIDDEN_LOG = "the slow log is hidden: "


class RedisMonitor:
    """See `engines.base.Monitor`. `steady` is a clock that only moves forward, in seconds."""

    metrics: Sequence[Metric] = counters.METRICS

    def __init__(self, connector: Connector, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._watch = Watch(lambda: connector.open("monitor"), self._begin)
        self.sources: Sequence[Source] = (
            Source(("activity", "counters", "health"), self._tick, timeout=_FAST),
            Source(("statements", "counters"), self._logs, every=5.0, timeout=_SLOW),
        )

    @property
    def cost(self) -> Cost:
        """What the monitor's sessions have caused so far."""
        return self._watch.cost

    async def reconnect(self) -> Server:
        """Open the monitor connection anew. Raises ConnectError."""
        self._watch.release()
        return (await self._watch.session()).server

    def _begin(self, connection: Connection) -> None:
        """Forget what was learned about the server: this one may be another."""
        self._info: Mapping[str, str] = {}
        self._values: dict[str, float] = {}
        self._sessions: tuple[Session, ...] = ()
        self._listed_at: float | None = None
        self._list_refused: PermissionDenied | None = None
        self._blocked_since: float | None = None
        self._hot: tuple[Hot, ...] = ()
        self._counted = statements.CommandStatements()
        self._log = "commandlog" if connection.probe.product == "Valkey" else "slowlog"

    # ---- each tick

    async def _tick(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        now = self._steady()
        commands: list[tuple[str, ...]] = [("INFO", "everything")]
        if self._list_is_due(now):
            commands.append(("CLIENT", "LIST"))
        answers = await connection.ask_all(commands, timeout=_FAST)
        if isinstance(answers[0], DbtuiError):
            return await self._refused(answers[0], connection, now)
        self._blocked_since = None
        self._info = sections(answers[0]) if isinstance(answers[0], bytes) else {}
        if len(answers) > 1:
            await self._take_list(answers[1], connection, now)
        self._values = counters.of_info(self._info)
        if self._listed_at is not None:
            self._values["client_list_age"] = now - self._listed_at
        values = dict(self._values)
        return {
            "activity": self._activity(connection),
            "counters": values,
            "health": replace(health.of_info(self._info), hot=self._hot),
        }

    def _list_is_due(self, now: float) -> bool:
        if whole(self._info.get("connected_clients")) <= MANY or self._listed_at is None:
            return True
        return now - self._listed_at >= LIST_EVERY

    async def _take_list(self, answer: Any, connection: Connection, now: float) -> None:
        if isinstance(answer, bytes):
            self._sessions = await sessions.of_list(answer, connection.probe.run_id)
            self._listed_at, self._list_refused = now, None
        elif isinstance(answer, PermissionDenied):
            self._sessions, self._listed_at, self._list_refused = (), None, answer
        elif isinstance(answer, DbtuiError):
            raise answer

    def _activity(self, connection: Connection) -> Activity:
        taken = whole(self._info.get("connected_clients"))
        limit = whole(self._info.get("maxclients")) or None
        if self._list_refused is not None:
            remedy = grant(connection.probe.user, "+client|list")
            return Activity((), taken, limit, hidden=taken, remedy=remedy)
        return Activity(self._sessions, taken, limit)

    async def _refused(
        self, error: DbtuiError, connection: Connection, now: float
    ) -> Mapping[SectionName, Any]:
        """A server that a script blocks answers nothing but that; all counters stand still, which is the truth."""
        if not isinstance(error, QueryError) or error.code != BUSY:
            raise error
        if self._blocked_since is None:
            self._blocked_since = now
        running, seconds = "", now - self._blocked_since
        answer = (await connection.ask_all([("FUNCTION", "STATS")], timeout=_FAST))[0]
        if (said := running_function(answer)) is not None:
            running, seconds = said
        blocking = sessions.script(seconds, running)
        others = tuple(session for session in self._sessions if session.id != sessions.SCRIPT)
        activity = replace(self._activity(connection), sessions=(blocking, *others))
        values = {**self._values, "script_running": max(seconds, 0.001)}
        return {"activity": activity, "counters": values, "health": Health()}

    # ---- every few seconds

    async def _logs(self, _snapshot: Snapshot) -> Mapping[SectionName, Any]:
        connection = await self._watch.session()
        asked: list[tuple[str | int, ...]] = [("LATENCY", "LATEST")]
        if self._log == "commandlog":
            asked += [("COMMANDLOG", "GET", 16, kind) for kind in ("large-request", "large-reply")]
        asked += [
            ("SLOWLOG", "GET", statements.LENGTH),
            ("INFO", "commandstats"),
        ]  # in this order: see statements
        answers = await connection.ask_all(asked, timeout=_SLOW)
        latency, *large, slow, info = answers
        if isinstance(info, DbtuiError):
            raise info
        self._hot = hot.keys_of(statements.entries(slow), whole(self._info.get("server_time_usec")) / 1e6)
        told = [self._hidden(slow, connection)] if isinstance(slow, DbtuiError) else []
        if large:
            logs = {
                kind: statements.entries(log) for kind, log in zip(("request", "reply"), large, strict=True)
            }
            told.append(statements.told_as_note(logs))
        source = "commandstats and slow log" if not isinstance(slow, DbtuiError) else "commandstats"
        found = self._counted.sample(
            sections(info), statements.entries(slow), source=source, note=" · ".join(filter(None, told))
        )
        return {"statements": found, "counters": {"latency_spike": self._spike(latency)}}

    def _hidden(self, error: DbtuiError, connection: Connection) -> str:
        if isinstance(error, PermissionDenied):
            return _HIDDEN_LOG + grant(connection.probe.user, "+slowlog|get")
        return _HIDDEN_LOG + error.message

    def _spike(self, answer: Any) -> float:
        """The longest latency event of the last minute in seconds; 0 as well where the server does not watch."""
        if not isinstance(answer, list):
            return 0.0
        now = whole(self._info.get("server_time_usec")) / 1e6 or time.time()
        recent = [event for event in answer if len(event) >= 3 and now - event[1] <= _SPIKE]
        return max((event[2] / 1000 for event in recent), default=0.0)


def running_function(answer: Any) -> tuple[str, float] | None:
    """The command and the age in seconds of the function that runs, as FUNCTION STATS tells it."""
    if isinstance(answer, list):
        answer = dict(zip(answer[::2], answer[1::2], strict=False))
    running = answer.get(b"running_script") if isinstance(answer, dict) else None
    if isinstance(running, list):
        running = dict(zip(running[::2], running[1::2], strict=False))
    if not isinstance(running, dict):
        return None
    words = running.get(b"command") or ()
    return " ".join(argument(word) for word in words), float(running.get(b"duration_ms") or 0) / 1000
