"""Runs what the user typed: one command that only reads, its answer as rows.

A command that reads a large value as a whole would stop the server for everybody, so such a value is read by pages.
"""

from __future__ import annotations

from collections.abc import Sequence

from dbtui.engines.readahead import OneCursor, ReadAhead
from dbtui.engines.redis import read_only, reply, values, words
from dbtui.engines.redis.connection import Connection
from dbtui.engines.work import Work
from dbtui.errors import DbtuiError, NotApproved, QueryError

LARGE = 1_000  # elements, above which a value is read by pages
MOST_BYTES = 64 * 2**20  # of one string
READ_ONLY = "READ_ONLY"  # our own code: the server was not asked
_PAGE = 500


class RedisQuerier:
    """See `engines.base.Querier`."""

    def __init__(self, work: Work[Connection]) -> None:
        self._work = work
        self._cursor: OneCursor[RedisCursor] = OneCursor()

    async def run(self, sql: str, *, database: str = "", timeout: float = 60.0) -> RedisCursor:
        """Start one command; what an earlier one still had to read is dropped.

        Raises QueryError (with code READ_ONLY for what does not only read), QueryTimeout, SessionLost, ConnectError.
        """
        command = words.command(sql)
        return await self._cursor.start(lambda: RedisCursor(self._work, command, database, timeout))

    def statement_at(self, text: str, offset: int) -> str:
        """See `engines.base.Querier`: the command on the line of a position."""
        return words.command_at(text, offset)

    def only_reads(self, statement: str) -> bool:
        """See `engines.base.Querier`."""
        try:
            name = read_only.name_of(words.command(statement))
        except QueryError:
            return True  # nothing that could be sent
        return name in read_only.STATE or name in read_only.DATA or name.endswith("|help")

    async def cancel(self) -> None:
        """Stop waiting for what runs: the work session is dropped, and opened anew when it is needed."""
        await self._cursor.cancel()


class RedisCursor(ReadAhead):
    """The rows of one command."""

    def __init__(
        self, work: Work[Connection], command: Sequence[bytes], database: str, timeout: float
    ) -> None:
        self._work = work
        self._command = command
        self._database = database
        super().__init__(timeout)

    async def read(self) -> None:
        async with self._work.use(self._database) as connection:
            found = values.whole(self._command)
            if found is not None and await _size(connection, *found) > LARGE:
                await self._read_pages(connection, *found)
                return
            await _refuse_huge(connection, self._command)
            answer = await connection.read(self._command, timeout=self.timeout)
        columns, rows = reply.table(self._command, read_only.hidden(self._command, answer))
        self.announce(columns)
        self.take(rows[: self.max_rows])
        if len(rows) > self.max_rows:
            self.cut()

    def describe(self, error: DbtuiError) -> DbtuiError:
        if isinstance(error, NotApproved):
            return QueryError(error.message, error.hint, code=READ_ONLY)
        return error

    async def _read_pages(self, connection: Connection, key: bytes, kind: str) -> None:
        at: values.At = 0
        while at is not None:
            part = await values.part(connection, key, kind, at, _PAGE)
            self.announce(part.columns)
            self.take(part.rows)
            at = part.next
            if self.full and at is not None:
                self.cut()
                return


async def _size(connection: Connection, key: bytes, kind: str) -> int:
    """The number of elements; 0 for a key of another type, about which the command itself will tell."""
    (size,) = await connection.ask_all([(values.READERS[kind].size, key)])
    return size if isinstance(size, int) else 0


async def _refuse_huge(connection: Connection, command: Sequence[bytes]) -> None:
    if len(command) == 2 and command[0].lower() == b"get":
        size = await _size(connection, command[1], "string")
        if size > MOST_BYTES:
            raise QueryError(
                f"the value has {size:,} bytes", f"GETRANGE {words.argument(command[1])} 0 65535 reads a part"
            )
