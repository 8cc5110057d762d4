"""Runs what a user typed: one statement, read-only, by a server-side cursor.

A cursor that waits for its reader would leave the session idle in transaction. So rows are read ahead as fast
as the server gives them, up to a limit, and the transaction ends with the last of them, however slowly they
are looked at.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

import asyncpg

from dbtui.engines.postgres.connection import Connector, Work
from dbtui.engines.postgres.rows import UNNAMED, Row, TextQuery, as_text, single
from dbtui.errors import DbtuiError, QueryError, QueryTimeout
from dbtui.model.result import Page, ResultColumn
from dbtui.sql.split import Statement

MAX_ROWS = 100_000
MAX_BYTES = 64 * 2**20  # of text
_CHUNK = 500  # rows
_FIRST_CHUNK = 50
_CHUNK_BYTES = 2 * 2**20  # what one chunk of wide rows may come to
_FAREWELL = 3.0  # seconds for a cancelled statement to end


class PostgresQuerier:
    """See `engines.base.Querier`."""

    def __init__(self, connector: Connector, work: Work) -> None:
        self._connector = connector
        self._work = work
        self._cursor: PostgresCursor | None = None

    async def run(self, sql: str, *, database: str = "", timeout: float = 60.0) -> PostgresCursor:
        """Start one statement; what an earlier one still had to read is dropped.

        Raises QueryError (with `position` in `sql`, and code 25006 for what is no query), QueryTimeout,
        SessionLost, ConnectError.
        """
        statement = single(sql)
        if self._cursor is not None:
            await self._cursor.close()
        cursor = PostgresCursor(self._work, statement, database, timeout)
        self._cursor = cursor
        await cursor.started()
        return cursor

    async def cancel(self) -> None:
        """Stop the statement that runs; its cursor raises QueryError. Waits at most 3 s, never raises."""
        if self._cursor is not None:
            await self._cursor.cancel()


class PostgresCursor:
    """Rows of one statement: a task reads them ahead, `fetch` hands them out."""

    def __init__(self, work: Work, statement: Statement, database: str, timeout: float) -> None:
        self._work = work
        self._statement = statement
        self._database = database
        self._timeout = timeout
        self._began = time.monotonic()
        self._rows: deque[Row] = deque()
        self._columns: tuple[ResultColumn, ...] | None = None
        self._read = 0  # rows, since the start
        self._bytes = 0
        self._cut = False  # rows were left at the server
        self._complete = False  # all rows were read
        self._cancelled = False
        self._failure: DbtuiError | None = None
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="query")

    async def started(self) -> None:
        """Wait until the server has accepted the statement. Raises what it says otherwise."""
        try:
            await self._until(lambda: self._columns is not None)
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        if self._columns is None and self._failure is not None:
            raise self._failure

    async def fetch(self, count: int = 500) -> Page:
        """The next `count` rows, fewer at the end.

        `more` stays True after the last row when only a part of the result was read (see MAX_ROWS and
        MAX_BYTES): its real size is unknown, and asking for more raises QueryError.
        """
        await self._until(lambda: len(self._rows) >= count)
        rows = tuple(self._rows.popleft() for _ in range(min(count, len(self._rows))))
        if not rows and self._failure is not None:
            raise self._failure
        if not rows and self._cut:
            raise QueryError(
                f"only the first {self._read} rows were read", "narrow the statement down to see the others"
            )
        more = bool(self._rows) or not self._complete
        status = "" if more else f"SELECT {self._read}"
        return Page(self._columns or (), rows, more, status, time.monotonic() - self._began)

    async def cancel(self) -> None:
        """Stop the statement; rows that are here can still be fetched, then `fetch` raises."""
        if not self._task.done():
            self._cancelled = True
            await self._stop()

    async def close(self) -> None:
        """Stop the statement when it still runs, and drop the rows."""
        self._rows.clear()
        await self._stop()

    async def _stop(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=_FAREWELL)

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached() and not self._task.done():
            self._news.clear()
            news = asyncio.ensure_future(self._news.wait())
            try:
                await asyncio.wait({news, self._task}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                news.cancel()

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._read_all()
        except TimeoutError:
            self._failure = QueryTimeout(
                f"the statement took longer than {self._timeout:g} s", "give it more time, or narrow it down"
            )
        except asyncio.CancelledError:
            self._failure = QueryError("the statement was cancelled", code="57014")
            if not self._cancelled:
                raise
        except DbtuiError as error:
            self._failure = _placed(error, self._statement)

    async def _read_all(self) -> None:
        async with (
            self._work.use(self._database) as connection,
            connection.reading(timeout=self._timeout) as raw,
        ):
            query = await as_text(raw, self._statement)
            self._columns = query.columns
            self._news.set()
            await self._read_rows(raw, query)

    async def _read_rows(self, raw: asyncpg.Connection, query: TextQuery) -> None:
        cursor = await (await raw.prepare(query.sql, name=UNNAMED)).cursor()
        wanted = _FIRST_CHUNK
        while True:
            records = await cursor.fetch(wanted)
            self._complete = len(records) < wanted
            self._take([tuple(record) for record in records])
            if self._complete:
                return
            if self._read >= MAX_ROWS or self._bytes >= MAX_BYTES:
                self._cut = bool(await cursor.fetch(1))
                self._complete = not self._cut
                return
            wanted = min(
                _CHUNK, max(1, _CHUNK_BYTES * self._read // max(1, self._bytes)), MAX_ROWS - self._read
            )

    def _take(self, rows: list[Row]) -> None:
        self._rows.extend(rows)
        self._read += len(rows)
        self._bytes += sum(len(cell) for row in rows for cell in row if cell is not None)
        self._news.set()


def _placed(error: DbtuiError, statement: Statement) -> DbtuiError:
    """The error with its position counted in the whole text rather than in its statement."""
    if isinstance(error, QueryError) and error.position is not None:
        error.position += statement.start
    return error
