"""Runs what a user typed: one statement, read-only, its rows read as the server sends them."""

from __future__ import annotations

import asyncio

from dbtui.engines.mysql.connection import Connection, Connector
from dbtui.engines.mysql.failures import CANCELLED, FAILURES
from dbtui.engines.mysql.lex import USUAL, Dialect, placeholders, single
from dbtui.engines.mysql.read_only import CODE, only_reads
from dbtui.engines.mysql.script import split
from dbtui.engines.readahead import MAX_BYTES, MAX_ROWS, OneCursor, ReadAhead
from dbtui.engines.work import Work
from dbtui.errors import NotApproved, QueryError
from dbtui.sql.split import around

_CHUNK = 500  # rows
_FAREWELL = 3.0  # seconds for a cancelled statement to end


class MysqlQuerier:
    """See `engines.base.Querier`."""

    def __init__(self, connector: Connector, work: Work[Connection]) -> None:
        self._connector = connector
        self._work = work
        self._cursor: OneCursor[MysqlCursor] = OneCursor()

    async def run(self, sql: str, *, database: str = "", timeout: float = 60.0) -> MysqlCursor:
        """Start one statement; what an earlier one still had to read is dropped.

        Raises QueryError (with `position` in `sql`, and code 1792 for what is no query), QueryTimeout,
        SessionLost, ConnectError.
        """
        text = single(sql, self._connector.probe.identity.dialect)
        return await self._cursor.start(
            lambda: MysqlCursor(self._connector, self._work, text, database, timeout)
        )

    async def cancel(self) -> None:
        """Stop the statement that runs; its cursor raises QueryError. Waits at most 5 s, never raises."""
        await self._cursor.cancel()

    @property
    def _dialect(self) -> Dialect:
        probe = self._connector.known
        return probe.identity.dialect if probe is not None else USUAL

    def statement_at(self, text: str, offset: int) -> str:
        """See `engines.base.Querier`."""
        found = around(split(text, self._dialect), text, offset)
        return found.text if found is not None else ""

    def only_reads(self, statement: str) -> bool:
        """See `engines.base.Querier`."""
        return only_reads(statement, self._dialect)


class MysqlCursor(ReadAhead):
    """The rows of one statement, in a read-only transaction that ends with the last of them."""

    code = CANCELLED

    def __init__(
        self, connector: Connector, work: Work[Connection], sql: str, database: str, timeout: float
    ) -> None:
        self._connector = connector
        self._work = work
        self._sql = sql
        self._database = database
        self._running = 0  # connection id while the statement runs
        super().__init__(timeout, max_rows=MAX_ROWS, max_bytes=MAX_BYTES)

    async def read(self) -> None:
        async with self._work.use(self._database) as connection, connection.reading(timeout=self.timeout):
            try:
                connection.checked(self._sql)
            except NotApproved as error:
                raise QueryError(error.message, error.hint, code=CODE) from None
            if placeholders(self._sql, connection.identity.dialect):
                what = "the statement has placeholders (?), and no values for them"
                raise QueryError(what, "write values in their place")
            try:
                await self._read_rows(connection)
            except (TimeoutError, asyncio.CancelledError):
                connection.abort()
                await asyncio.shield(self._connector.kill_statement(connection.identity.id))
                raise
            except FAILURES as error:
                raise connection.described(error, self._sql) from None

    async def _read_rows(self, connection: Connection) -> None:
        self._running = connection.identity.id
        try:
            fields = await connection.raw.start(self._sql)
            self.announce(tuple(field.column for field in fields))
            while rows := await connection.raw.some(_CHUNK, fields):
                self.take(rows)
                if self.full:
                    if await connection.raw.some(1, fields):
                        self.cut()
                        connection.abort()  # nothing else stops the server from sending the rest
                    return
        finally:
            self._running = 0

    async def stop(self) -> None:
        """Ask the server to end the statement; where that does not help, drop the session."""
        if self._running:
            await self._connector.kill_statement(self._running)
            await asyncio.wait({self._task}, timeout=_FAREWELL)
        await super().stop()
