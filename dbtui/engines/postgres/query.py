"""Runs what a user typed: one statement, read-only, by a server-side cursor.

A cursor that waits for its reader would leave the session idle in transaction. So rows are read ahead as fast
as the server gives them, up to a limit, and the transaction ends with the last of them, however slowly they
are looked at.
"""

from __future__ import annotations

import asyncpg

from dbtui.engines.postgres.connection import Connector, Work
from dbtui.engines.postgres.rows import UNNAMED, TextQuery, as_text, single
from dbtui.engines.readahead import MAX_BYTES, MAX_ROWS, OneCursor, ReadAhead
from dbtui.errors import DbtuiError, QueryError
from dbtui.sql.classify import classify
from dbtui.sql.split import Statement, around, split

_CHUNK = 500  # rows
_FIRST_CHUNK = 50
_CHUNK_BYTES = 2 * 2**20  # what one chunk of wide rows may come to


class PostgresQuerier:
    """See `engines.base.Querier`."""

    def __init__(self, connector: Connector, work: Work) -> None:
        self._connector = connector
        self._work = work
        self._cursor: OneCursor[PostgresCursor] = OneCursor()

    async def run(self, sql: str, *, database: str = "", timeout: float = 60.0) -> PostgresCursor:
        """Start one statement; what an earlier one still had to read is dropped.

        Raises QueryError (with `position` in `sql`, and code 25006 for what is no query), QueryTimeout,
        SessionLost, ConnectError.
        """
        statement = single(sql)
        return await self._cursor.start(lambda: PostgresCursor(self._work, statement, database, timeout))

    async def cancel(self) -> None:
        """Stop the statement that runs; its cursor raises QueryError. Waits at most 3 s, never raises."""
        await self._cursor.cancel()

    def statement_at(self, text: str, offset: int) -> str:
        """See `engines.base.Querier`."""
        found = around(split(text), text, offset)
        return found.text if found is not None else ""

    def only_reads(self, statement: str) -> bool:
        """See `engines.base.Querier`."""
        return classify(statement).only_reads


class PostgresCursor(ReadAhead):
    """The rows of one statement, by a server-side cursor in a transaction that ends with the last of them."""

    code = "57014"

    def __init__(self, work: Work, statement: Statement, database: str, timeout: float) -> None:
        self._work = work
        self._statement = statement
        self._database = database
        super().__init__(timeout, max_rows=MAX_ROWS, max_bytes=MAX_BYTES)

    async def read(self) -> None:
        async with (
            self._work.use(self._database) as connection,
            connection.reading(timeout=self.timeout) as raw,
        ):
            query = await as_text(raw, self._statement)
            self.announce(query.columns)
            await self._read_rows(raw, query)

    async def _read_rows(self, raw: asyncpg.Connection, query: TextQuery) -> None:
        cursor = await (await raw.prepare(query.sql, name=UNNAMED)).cursor()
        wanted = _FIRST_CHUNK
        while True:
            records = await cursor.fetch(wanted)
            self.take([tuple(record) for record in records])
            if len(records) < wanted:
                return
            if self.full:
                if await cursor.fetch(1):
                    self.cut()
                return
            wide = max(1, _CHUNK_BYTES * self.count // max(1, self.size))
            wanted = min(_CHUNK, wide, self.max_rows - self.count)

    def describe(self, error: DbtuiError) -> DbtuiError:
        """The error with its position counted in the whole text rather than in its statement."""
        if isinstance(error, QueryError) and error.position is not None:
            error.position += self._statement.start
        return error
