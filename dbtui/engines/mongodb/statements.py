"""Which queries the load is made of: $queryStats, the profiler where somebody has it on, or the sampled activity.

The profiler is read, and never switched on: that changes what the server does.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from dbtui.documents import mapping
from dbtui.engines import sampled
from dbtui.engines.mongodb import shell, values
from dbtui.engines.mongodb.failures import grant, lacks
from dbtui.engines.mongodb.session import Connection
from dbtui.engines.mongodb.sessions import LEFT_OUT, whole
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.activity import Statement, Statements

MOST_PROFILED = 2_000  # entries of the profiler in one reading
MOST_SHAPES = 2_000
_TIMEOUT = 10.0
_LOOK_AGAIN = 60.0  # seconds until a refused source is tried again
# Keys of a command whose values are names, not data.
_NAMES = frozenset(
    {
        "find", "aggregate", "count", "distinct", "update", "delete", "insert", "findAndModify", "findandmodify",
        "key", "getMore", "collection", "from", "localField", "foreignField", "as", "$unwind", "path",
        "listIndexes", "create", "createIndexes", "drop", "collStats", "$db",
    }
)  # fmt: skip
_WHOLE = frozenset({"sort", "$sort", "projection", "$project", "hint", "collation"})  # no data in them
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"?|\'(?:[^\'\\]|\\.)*\'?|(?<![\w$])\d[\w.]*')
_NOT_SHAPE = frozenset({"comment", "$comment", "cursor", "batchSize", "lsid", "$db"})


class Ranking:
    """The best source of statements that a server has. One for each connection."""

    def __init__(self) -> None:
        self._query_stats_until = 0.0  # not asked before then, as with the profiler
        self._profiler_until = 0.0
        self._why = ""
        self._sampled = sampled.SampledStatements(shape=shape_of_text, masked=masked_text)
        self._profiled: dict[str, Profiled] = {}

    def observe(self, sessions: Sequence[Any], *, now: float) -> None:
        """Add one sample of the activity; `now` is of a steady clock."""
        self._sampled.observe(sessions, now=now)

    async def sample(self, connection: Connection, *, now: float) -> Statements:
        """The statements of now. Raises QueryTimeout, SessionLost."""
        if connection.probe.product == "MongoDB" and now >= self._query_stats_until:
            try:
                return await _query_stats(connection)
            except QueryError as error:
                self._query_stats_until = now + _LOOK_AGAIN
                self._why = _reason(error, connection)
        database = connection.server.database
        if connection.probe.is_mongod and now >= self._profiler_until:
            if (found := await self._profile(connection, database)) is not None:
                return found
            self._profiler_until = now + _LOOK_AGAIN
        return self._sampled.seen(note=self._note(connection))

    def _note(self, connection: Connection) -> str:
        if connection.probe.product != "MongoDB":
            return f"{connection.probe.product} counts no queries: sampled from the operations that were seen running"
        return f"sampled from the operations that were seen running. {self._why}".strip()

    async def _profile(self, connection: Connection, database: str) -> Statements | None:
        """What the profiler of a database has written since the last look; None where it is off."""
        try:
            state = await connection.command({"profile": -1}, database=database, timeout=2.0)
        except QueryError:
            return None
        if not state.get("was"):
            self._profiled.pop(database, None)
            return None
        profiled = self._profiled.setdefault(database, Profiled(database))
        try:
            await profiled.read(connection)
        except PermissionDenied:
            return None
        return profiled.seen(int(state["was"]), state.get("slowms"))


def _reason(error: QueryError, connection: Connection) -> str:
    if isinstance(error, PermissionDenied):
        return f"For real counters: {grant(connection.probe.user, 'clusterMonitor')}"
    if lacks(error) or "queryStats" in error.message:
        return "This server has no $queryStats (Atlas has, from 7.0 on)"
    return f"$queryStats: {error.message}"


# ---- $queryStats


async def _query_stats(connection: Connection) -> Statements:
    asked = {"aggregate": 1, "pipeline": [{"$queryStats": {}}], "cursor": {}}
    found = await connection.documents(asked, timeout=_TIMEOUT, most=MOST_SHAPES, role="clusterMonitor")
    made: dict[str, Statement] = {}
    for entry in found:
        if (one := query_stats_statement(entry)) is not None:
            before = made.get(one.id)  # one shape of several clients
            made[one.id] = one if before is None else _added(before, one)
    return Statements(tuple(made.values()), source="$queryStats")


def query_stats_statement(entry: Mapping[str, Any]) -> Statement | None:
    """One entry of $queryStats; None for what has no shape."""
    shape = mapping(mapping(entry.get("key")).get("queryShape"))
    metrics = mapping(entry.get("metrics"))
    space = mapping(shape.get("cmdNs"))
    if not shape:
        return None
    name = str(shape.get("command") or "")
    rest = {key: value for key, value in shape.items() if key not in ("cmdNs", "command")}
    database, collection = str(space.get("db", "")), str(space.get("coll", ""))
    shown = values.text({name or "query": collection} | rest, 20_000)
    query_id = str(entry.get("queryShapeHash") or entry.get("keyHash") or _hash(shown))
    application = str(
        mapping(mapping(mapping(entry.get("key")).get("client")).get("application")).get("name", "")
    )
    return Statement(
        id=f"{database}/{query_id}",
        query_id=query_id,
        database=database,
        user=application,
        query=shown,
        calls=_whole(metrics.get("execCount")),
        total_ms=_sum(metrics.get("totalExecMicros")) / 1000,
        rows=_whole(mapping(metrics.get("docsReturned")).get("sum")),
        rows_read=_examined(metrics),
    )


def _added(one: Statement, more: Statement) -> Statement:
    return replace(
        one,
        calls=one.calls + more.calls,
        total_ms=one.total_ms + more.total_ms,
        rows=(one.rows or 0) + (more.rows or 0),
        rows_read=_plus(one.rows_read, more.rows_read),
    )


# ---- the profiler


class Profiled:
    """What the profiler of one database has written since the console came, added up by shape.

    system.profile is a ring that forgets, so what is older than the first look is not counted.
    """

    def __init__(self, database: str) -> None:
        self.database = database
        self._shapes: dict[str, Statement] = {}
        self._last: datetime | None = None
        self._missed = 0

    async def read(self, connection: Connection) -> None:
        """Take what was written since the last look. Raises PermissionDenied, QueryError."""
        if self._last is None:
            newest = {"find": "system.profile", "sort": {"$natural": -1}, "limit": 1, "projection": {"ts": 1}}
            found = await connection.documents(newest, database=self.database, timeout=_TIMEOUT)
            self._last = next((d["ts"] for d in found if isinstance(d.get("ts"), datetime)), None)
            return
        asked = {
            "find": "system.profile",
            "filter": {"ts": {"$gt": self._last}, "appName": {"$ne": "dbtui"}},
            "projection": {"execStats": 0, "locks": 0, "flowControl": 0, "storage": 0},
            "limit": MOST_PROFILED,
        }
        found = await connection.documents(
            asked, database=self.database, timeout=_TIMEOUT, most=MOST_PROFILED
        )
        self._missed += len(found) == MOST_PROFILED
        for entry in found:
            self.take(entry)

    def take(self, entry: Mapping[str, Any]) -> None:
        """Count one entry of system.profile."""
        moment = entry.get("ts")
        if isinstance(moment, datetime) and (self._last is None or moment > self._last):
            self._last = moment
        namespace = str(entry.get("ns") or "")
        command = whole(dict(mapping(entry.get("command"))), str(entry.get("op") or ""), namespace)
        shown = {str(entry.get("op") or "command"): namespace} | _shape(command)
        key = values.text(shown, 20_000)
        known = self._shapes.get(key) or Statement(
            id=f"{self.database}/{_hash(key)}",
            query_id=str(entry.get("queryShapeHash") or entry.get("queryHash") or _hash(key)),
            database=self.database,
            user=str(entry.get("user") or "").partition("@")[0],
            query=values.text(_masked(command) or shown, 20_000),
            calls=0,
            total_ms=0.0,
            rows=0,
        )
        if key in self._shapes or len(self._shapes) < MOST_SHAPES:
            rows = _whole(entry.get("nreturned"))
            self._shapes[key] = replace(
                known,
                calls=known.calls + 1,
                total_ms=known.total_ms + (_sum(entry.get("millis")) or 0.0),
                rows=(known.rows or 0) + rows,
                rows_read=_plus(known.rows_read, _examined(entry)),
            )

    def seen(self, level: int, slow_ms: object) -> Statements:
        """What was counted so far."""
        only = "" if level == 2 else f", only what takes {slow_ms} ms or longer"
        return Statements(
            tuple(self._shapes.values()),
            source=f"the profiler of {self.database} (level {level}{only})",
            evicted=self._missed or None,
            note="counted since the console came; operations of other databases are not in it",
        )


# ---- shapes


def shape_of_text(text: str) -> str:
    """One key for commands that differ in their data only, of a command's text."""
    try:
        command = json.loads(text)
    except ValueError:
        return text
    return values.text(_shape(command), 20_000) if isinstance(command, dict) else text


def masked_text(text: str) -> str:
    """A command's text with a question mark, and its type, in place of each value; what is none loses its literals."""
    if text.endswith(LEFT_OUT):
        return masked_text(text.removesuffix(LEFT_OUT) + "}")[:-1] + LEFT_OUT
    try:
        command = json.loads(text)
    except ValueError:
        try:
            command = dict(shell.parse(text).document)
        except QueryError:
            return _LITERAL.sub("?", text)
    return values.text(_masked(command), 20_000) if isinstance(command, dict) else text


def _shape(command: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in _masked(command).items() if key not in _NOT_SHAPE}


def _masked(command: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _mask(key, value, 0) for key, value in command.items() if key not in _NOT_SHAPE}


def _mask(key: str, value: Any, depth: int) -> Any:
    if depth > 60:
        return "…"
    if key in _WHOLE:
        return value
    if isinstance(value, Mapping):
        if len(value) == 1 and (only := next(iter(value))) in _WRAPPERS:
            return f"?{only[1:]}"
        return {inner: _mask(inner, one, depth + 1) for inner, one in value.items()}
    if isinstance(value, list):
        masked = [_mask(key, one, depth + 1) for one in value]
        return (
            ["?array"]
            if masked and all(isinstance(one, str) and one.startswith("?") for one in masked)
            else masked
        )
    if key in _NAMES or (isinstance(value, str) and value.startswith("$")) or isinstance(value, bool):
        return value
    return f"?{values.type_of(value)}"


_WRAPPERS = frozenset(
    {
        "$oid",
        "$date",
        "$numberDecimal",
        "$uuid",
        "$binary",
        "$timestamp",
        "$regularExpression",
        "$numberDouble",
    }
)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _sum(value: object) -> float:
    number = mapping(value).get("sum") if isinstance(value, Mapping) else value
    return float(number) if isinstance(number, int | float) and not isinstance(number, bool) else 0.0


def _examined(counted: Mapping[str, Any]) -> int | None:
    """Documents that were read to find the wanted ones; $queryStats has had them since 8.0."""
    return int(_sum(counted["docsExamined"])) if "docsExamined" in counted else None


def _plus(one: int | None, more: int | None) -> int | None:
    return one if more is None else (one or 0) + more


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0
