"""Rows of one statement that are read ahead of whoever looks at them.

A statement that waits for its reader would keep its session, and what that holds at the server. So a task reads
rows as fast as the server gives them, up to a limit, however slowly they are looked at.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from dbtui.errors import DbtuiError, QueryError, QueryTimeout
from dbtui.model.result import Page, ResultColumn

MAX_ROWS = 100_000
MAX_BYTES = 64 * 2**20  # of text
_FAREWELL = 3.0  # seconds for a cancelled statement to end

Row = tuple[str | None, ...]


class ReadAhead(ABC):
    """See `engines.base.Cursor`. The engine's part is `read`, which calls `announce`, `take` and `cut`.

    It starts at once; `code` is the server's own code for a cancelled statement.
    """

    code = ""

    def __init__(self, timeout: float, *, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> None:
        self.timeout = timeout
        self.count = 0  # rows read since the start
        self.size = 0  # characters of them
        self.max_rows = max_rows
        self._max_bytes = max_bytes
        self._began = time.monotonic()
        self._rows: deque[Row] = deque()
        self._columns: tuple[ResultColumn, ...] | None = None
        self._cut = False  # rows were left at the server
        self._complete = False  # all rows were read
        self._cancelled = False
        self._failure: DbtuiError | None = None
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="query")

    # ---- the engine's part

    @abstractmethod
    async def read(self) -> None:
        """Run the statement and read its rows until the last, or until `full`."""

    def describe(self, error: DbtuiError) -> DbtuiError:
        """What `read` raised, in words that fit what the user typed."""
        return error

    async def stop(self) -> None:
        """End the statement while `read` runs; never raises."""
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=_FAREWELL)

    def announce(self, columns: tuple[ResultColumn, ...]) -> None:
        """The server has accepted the statement."""
        self._columns = columns
        self._news.set()

    def take(self, rows: Sequence[Row]) -> None:
        """Keep rows for the reader."""
        self._rows.extend(rows)
        self.count += len(rows)
        self.size += sum(len(cell) for row in rows for cell in row if cell is not None)
        self._news.set()

    @property
    def full(self) -> bool:
        """Whether the limit of rows or of characters is reached."""
        return self.count >= self.max_rows or self.size >= self._max_bytes

    def cut(self) -> None:
        """There are rows that are not read."""
        self._cut = True

    # ---- the reader's part

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
                f"only the first {self.count} rows were read", "narrow the statement down to see the others"
            )
        more = bool(self._rows) or not self._complete
        status = "" if more else f"SELECT {self.count}"
        return Page(self._columns or (), rows, more, status, time.monotonic() - self._began)

    async def cancel(self) -> None:
        """Stop the statement; rows that are here can still be fetched, then `fetch` raises."""
        if not self._task.done():
            self._cancelled = True
            await self.stop()

    async def close(self) -> None:
        """Stop the statement when it still runs, and drop the rows."""
        self._rows.clear()
        if not self._task.done():
            await self.stop()

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
            async with asyncio.timeout(self.timeout):
                await self.read()
            self._complete = not self._cut
        except TimeoutError:
            self._failure = QueryTimeout(
                f"the statement took longer than {self.timeout:g} s", "give it more time, or narrow it down"
            )
        except asyncio.CancelledError:
            self._failure = self._was_cancelled()
            if not self._cancelled:
                raise
        except DbtuiError as error:
            self._failure = self._was_cancelled() if self._cancelled else self.describe(error)

    def _was_cancelled(self) -> QueryError:
        return QueryError("the statement was cancelled", code=self.code)


C = TypeVar("C", bound=ReadAhead)


class OneCursor(Generic[C]):
    """The one cursor that a querier has: starting another ends it."""

    def __init__(self) -> None:
        self._cursor: C | None = None

    async def start(self, make: Callable[[], C]) -> C:
        """End the cursor before, make one, and wait until the server has accepted its statement."""
        if self._cursor is not None:
            await self._cursor.close()
        cursor = self._cursor = make()
        await cursor.started()
        return cursor

    async def cancel(self) -> None:
        """Stop the statement that runs; its cursor raises QueryError. Waits a few seconds at most, never raises."""
        if self._cursor is not None:
            await self._cursor.cancel()
