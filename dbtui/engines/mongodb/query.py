"""Runs what a user typed: one command that only reads, its documents as rows with a column for each field."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from dbtui.engines.mongodb import read_only, values
from dbtui.engines.mongodb.connection import Connector
from dbtui.engines.mongodb.script import split
from dbtui.engines.mongodb.session import Batches, Connection
from dbtui.engines.mongodb.shell import Command, parse
from dbtui.engines.readahead import MAX_BYTES, MAX_ROWS, OneCursor, ReadAhead, Row
from dbtui.errors import DbtuiError, NotApproved, QueryError
from dbtui.model.result import ResultColumn
from dbtui.sql.split import around

_FIRST = 50  # documents of the first batch, whose fields become the columns
_CHUNK = 500
_CHUNK_BYTES = 8 * 2**20  # what one batch of large documents may come to
MOST_COLUMNS = 200
REST = "…"  # the column for fields that the first documents did not have
READ_ONLY = "13"  # Unauthorized
_ADMIN = frozenset(
    {"listDatabases", "serverStatus", "top", "currentOp", "replSetGetStatus", "replSetGetConfig", "hostInfo",
     "getLog", "getParameter", "getCmdLineOpts", "listShards", "getShardMap", "balancerStatus"}
)  # fmt: skip
_PROTOCOL = frozenset(
    {"ok", "$clusterTime", "operationTime", "$gleStats", "lastCommittedOpTime", "electionId"}
)
_WITH_CURSOR = frozenset({"find", "aggregate", "listCollections", "listIndexes"})


class MongoQuerier:
    """See `engines.base.Querier`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._cursor: OneCursor[MongoCursor] = OneCursor()

    async def run(self, sql: str, *, database: str = "", timeout: float = 60.0) -> MongoCursor:
        """Start one command; what an earlier one still had to read is dropped.

        Raises QueryError (with `position` in the text, and code 13 for what does not only read), QueryTimeout,
        SessionLost, ConnectError.
        """
        command = parse(sql)
        try:
            read_only.check(command)
        except NotApproved as error:
            raise QueryError(error.message, error.hint, code=READ_ONLY) from None
        connection = self._connector.work
        place = database_of(command, database, connection)
        return await self._cursor.start(lambda: MongoCursor(connection, command, place, timeout))

    async def cancel(self) -> None:
        """Stop the command that runs; its cursor raises QueryError. Waits at most 3 s, never raises."""
        await self._cursor.cancel()

    def statement_at(self, text: str, offset: int) -> str:
        """See `engines.base.Querier`."""
        found = around(split(text), text, offset)
        return found.text if found is not None else ""

    def only_reads(self, statement: str) -> bool:
        """See `engines.base.Querier`."""
        try:
            return read_only.only_reads(parse(statement))
        except QueryError:
            return True  # nothing that could be sent


def database_of(command: Command, database: str, connection: Connection) -> str:
    """Where a command is run: where its text says, else where it belongs, else as asked for."""
    if command.database:
        return command.database
    if command.name in _ADMIN or command.document.get("aggregate") == 1:
        return "admin"
    return database or connection.server.database


def document_of(command: Command) -> dict[str, Any]:
    """The command as it is sent: with explain around it where that is wanted."""
    if command.explain:
        return {"explain": dict(command.document), "verbosity": command.explain}
    return dict(command.document)


class MongoCursor(ReadAhead):
    """The documents of one command."""

    code = "11601"  # Interrupted

    def __init__(self, connection: Connection, command: Command, database: str, timeout: float) -> None:
        self._connection = connection
        self._command = command
        self._database = database
        self._mark = f"{_MARK}{secrets.token_hex(8)}"
        self._columns_of: list[str] = []
        super().__init__(timeout, max_rows=MAX_ROWS, max_bytes=MAX_BYTES)

    async def read(self) -> None:
        document = document_of(self._command)
        with_cursor = self._command.name in _WITH_CURSOR and not self._command.explain
        if not with_cursor or self._command.document.get("explain"):
            reply = await self._connection.reply(document, database=self._database, timeout=self.timeout)
            self._take_reply(reply)
            return
        document.setdefault("comment", self._mark)
        sized = {"batchSize": min(_FIRST, _asked(document.get("batchSize")))}
        document |= sized if self._command.name == "find" else {"cursor": sized}
        batches = await self._connection.cursor(document, database=self._database, timeout=self.timeout)
        try:
            await self._read_batches(batches)
        finally:
            batches.close()

    async def _read_batches(self, batches: Batches) -> None:
        wanted = min(_FIRST, self.max_rows)
        found = await batches.next(wanted, self.timeout)
        self.announce(self._columns_for(found, more=batches.more))
        while found:
            self.take([self._row(document) for document in found])
            if self.full:
                if batches.more and await batches.next(1, self.timeout):
                    self.cut()
                return
            wide = max(1, _CHUNK_BYTES * self.count // max(1, self.size))
            wanted = min(_CHUNK, wide, self.max_rows - self.count)
            found = await batches.next(wanted, self.timeout)

    def _columns_for(self, documents: Sequence[Mapping[str, Any]], *, more: bool) -> tuple[ResultColumn, ...]:
        """The union of the first documents' fields, in the order in which they appear."""
        types: dict[str, set[str]] = {}
        for document in documents:
            for name, value in document.items():
                kinds = types.setdefault(name, set())
                if value is not None:
                    kinds.add(values.type_of(value))
        names = list(types)[:MOST_COLUMNS]
        columns = [
            ResultColumn(name, _type(types[name]), bool(types[name]) and types[name] <= values.NUMBERS)
            for name in names
        ]
        if more or len(types) > len(names):
            columns.append(ResultColumn(REST, "other fields"))
        self._columns_of = names
        self._has_rest = len(columns) > len(names)
        return tuple(columns)

    def _row(self, document: Mapping[str, Any]) -> Row:
        row = [values.cell(document[name]) if name in document else "" for name in self._columns_of]
        if self._has_rest:
            known = set(self._columns_of)
            rest = {name: value for name, value in document.items() if name not in known}
            row.append(values.text(rest, values.CELL) if rest else "")
        return tuple(row)

    def _take_reply(self, reply: Mapping[str, Any]) -> None:
        """A reply without a cursor: one row, or one for each of the values of distinct or databases."""
        listed = reply.get("values") if self._command.name == "distinct" else reply.get("databases")
        if isinstance(listed, list):
            documents = [one if isinstance(one, dict) else {"value": one} for one in listed]
        else:
            documents = [{name: value for name, value in reply.items() if name not in _PROTOCOL}]
        self.announce(self._columns_for(documents, more=False))
        self.take([self._row(document) for document in documents[: self.max_rows]])
        if len(documents) > self.max_rows:
            self.cut()

    async def stop(self) -> None:
        """Forget the answer, and have the server stop: it is found by the mark in its comment."""
        await super().stop()
        with contextlib.suppress(DbtuiError):
            async with asyncio.timeout(2.0):
                await stop_marked(self._connection, self._mark)


_MARK = "dbtui "


async def stop_marked(connection: Connection, mark: str) -> None:
    """Kill the user's own operations that carry a comment. Raises QueryError where the server has no killOp."""
    pipeline = [{"$currentOp": {"allUsers": False}}, {"$match": {"command.comment": mark}}]
    asked = {"aggregate": 1, "pipeline": pipeline, "cursor": {}}
    for operation in await connection.documents(asked, timeout=1.0):
        if operation.get("opid"):
            await connection.command({"killOp": 1, "op": operation["opid"]}, timeout=1.0)


def _asked(value: object) -> int:
    return int(value) if isinstance(value, int | float) and value > 0 else _FIRST


def _type(kinds: set[str]) -> str:
    return " | ".join(sorted(kinds)) if kinds else "null"
