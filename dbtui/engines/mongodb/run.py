"""The session that runs a plan on MongoDB: see `engines.base.RunSession` and `FillsBatches`.

Commands are no transaction with the journal: only batches that may be repeated are done.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from typing import Any

from bson import json_util

from dbtui.engines.base import Statement
from dbtui.engines.claim import claim_of
from dbtui.engines.held import HeldByFile
from dbtui.engines.mongodb import health, sessions, values
from dbtui.engines.mongodb.actions import raise_errors
from dbtui.engines.mongodb.connection import Connector
from dbtui.engines.mongodb.literals import Reader
from dbtui.engines.mongodb.query import database_of, document_of, stop_marked
from dbtui.engines.mongodb.session import Connection
from dbtui.engines.mongodb.shell import parse
from dbtui.errors import DbtuiError, InputError, QueryError
from dbtui.model.change import Backfill
from dbtui.model.run import Look

_LONG = 7 * 86400.0  # seconds; maxTimeMS is a number of 32 bits
_BATCH = 60.0
_NUMBERS = "number"  # whose types are one in the order of keys


class MongoRunSession(HeldByFile[Connection]):
    """See `engines.base.RunSession`. Each command is done by itself, and stays done."""

    resumes = True

    def __init__(self, connector: Connector, database: str) -> None:
        super().__init__(connector.target.name)
        self._connector = connector
        self._database = database or connector.server.database
        self._mark = f"dbtui {secrets.token_hex(8)}"
        self._claim = claim_of(self.identity)

    @property
    def id(self) -> str:
        """The comment that its commands carry."""
        return self._mark

    @property
    def identity(self) -> str:
        """The replica set, or the address, and the database."""
        probe = self._connector.probe
        return f"{probe.replica_set or probe.place}/{self._database}"

    async def reopen(self) -> None:
        """A new session. Raises ConnectError."""
        await self._leave()
        self._connection = await self._connector.act()

    async def write(
        self,
        statements: Sequence[Statement],
        *,
        one: bool = True,
        lock_timeout: float | None = None,
        timeout: float = 0.0,
    ) -> tuple[int, ...]:
        """Run commands one after the other; what was done before a refused one stays done."""
        counts: list[int] = []
        for statement in statements:
            command = parse(statement if isinstance(statement, str) else statement(counts))
            place = database_of(command, self._database, self._open)
            counts.append(await self._do(document_of(command), place, timeout or _LONG))
        return tuple(counts)

    async def _do(self, document: dict[str, Any], database: str, timeout: float) -> int:
        self._gate.check()
        document.setdefault("comment", self._mark)
        reply = await self._open.command(document, database=database, timeout=timeout, role="readWrite")
        raise_errors(reply)
        return int(reply.get("nModified", reply.get("n", 0)) or 0)

    async def cancel(self) -> None:
        with contextlib.suppress(DbtuiError):
            await stop_marked(self._connector.work, self._mark)

    async def look(self, relation: str) -> Look:
        """How far replicas are behind, and how far an index build is."""
        connection = self._connector.work
        lags = health.lag_counters(await health.replica_status(connection))
        pipeline = [{"$currentOp": {"allUsers": False}}, {"$match": {"command.comment": self._mark}}]
        try:
            ours = await connection.documents(
                {"aggregate": 1, "pipeline": pipeline, "cursor": {}}, timeout=2.0
            )
        except QueryError:  # not every server of this protocol tells of its operations
            ours = []
        return Look(lag=lags.get("replication_lag"), progress=next(iter(sessions.progress_of(ours)), None))

    # ---- batches

    async def last(self, fill: Backfill) -> str:
        """The greatest `_id`. Ranges compare values of one type alone, so that `_id`s of several are refused."""
        ends = [await self._end(fill, direction) for direction in (1, -1)]
        if not ends[0]:
            return ""
        first, last = (_value(one) for one in ends)
        if _kind(first) != _kind(last):
            raise InputError(
                f"the _id values of {fill.table} are of several types", "do this work by hand, type by type"
            )
        return ends[1]

    async def _end(self, fill: Backfill, direction: int) -> str:
        asked = {"find": str(fill.table), "sort": {"_id": direction}, "limit": 1, "projection": {"_id": 1}}
        found = await self._open.documents(asked, database=self._database, timeout=_BATCH)
        return _key(found[0]["_id"]) if found else ""

    async def estimate(self, fill: Backfill) -> float:
        reply = await self._open.command({"count": str(fill.table)}, database=self._database, timeout=10.0)
        return float(reply.get("n") or 0)

    async def fill(self, fill: Backfill, after: str, last: str, size: int) -> tuple[str, int]:
        """The next range of `_id`s, by an update or delete of many that is bound to it."""
        collection, above = str(fill.table), {"$gt": _value(after)} if after else {}
        asked = {
            "find": collection, "filter": {"_id": {**above, "$lte": _value(last)}}, "sort": {"_id": 1},
            "skip": size - 1, "limit": 1, "projection": {"_id": 1},
        }  # fmt: skip
        found = await self._open.documents(asked, database=self._database, timeout=_BATCH)
        to = _key(found[0]["_id"]) if found else last
        query: dict[str, Any] = {"_id": {**above, "$lte": _value(to)}}
        if fill.where:
            query = {"$and": [query, Reader(fill.where).value()]}
        if fill.verb == "delete":
            work: dict[str, Any] = {"delete": collection, "deletes": [{"q": query, "limit": 0}]}
        else:
            change = Reader(fill.assignments).value()
            work = {"update": collection, "updates": [{"q": query, "u": change, "multi": True}]}
        if self._connector.probe.replica_set:
            work["writeConcern"] = {"w": "majority"}  # what is journalled as done outlives a failover
        return to, await self._do(work, self._database, _BATCH)


def _key(value: object) -> str:
    """A value of `_id` as text, by which it is the same value again."""
    return json_util.dumps(value, json_options=json_util.CANONICAL_JSON_OPTIONS)


def _value(key: str) -> Any:
    return json_util.loads(key, json_options=json_util.CANONICAL_JSON_OPTIONS)


def _kind(value: object) -> str:
    kind = values.type_of(value)
    return _NUMBERS if kind in values.NUMBERS else kind
