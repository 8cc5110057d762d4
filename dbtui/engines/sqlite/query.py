"""Runs what a user typed: one statement that only reads, its rows read ahead in the connection's thread."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence

from dbtui.engines.readahead import MAX_BYTES, OneCursor, ReadAhead, Row
from dbtui.engines.sqlite.connection import Connection, Connector
from dbtui.engines.sqlite.read_only import Guard
from dbtui.engines.sqlite.script import split
from dbtui.engines.sqlite.values import columns_of, row_text
from dbtui.engines.work import Work
from dbtui.errors import QueryError
from dbtui.model.result import ResultColumn
from dbtui.sql.classify import classify
from dbtui.sql.lex import meaningful
from dbtui.sql.split import around

_CHUNK, _FIRST_CHUNK = 500, 50  # rows
_CHUNK_CHARACTERS = 2 * 2**20  # what one chunk of wide rows may come to
_Send = Callable[[tuple[ResultColumn, ...] | None, Sequence[Row]], None]


class SqliteQuerier:
    """See `engines.base.Querier`."""

    def __init__(self, connector: Connector, work: Work[Connection]) -> None:
        self._connector = connector
        self._work = work
        self._cursor: OneCursor[SqliteCursor] = OneCursor()

    async def run(self, sql: str, *, database: str = "", timeout: float = 60.0) -> SqliteCursor:
        """Start one statement; what an earlier one still had to read is dropped. `database` is always main.

        Raises QueryError (with code SQLITE_AUTH for what does not only read), QueryTimeout, SessionLost,
        ConnectError.
        """
        if not any(sql[token.start] != ";" for token in meaningful(sql)):
            raise QueryError("there is no statement", "type one")
        return await self._cursor.start(lambda: SqliteCursor(self._work, sql, timeout))

    async def cancel(self) -> None:
        """Interrupt the statement that runs; its cursor raises QueryError. Never raises."""
        await self._cursor.cancel()

    def statement_at(self, text: str, offset: int) -> str:
        """See `engines.base.Querier`."""
        found = around(split(text), text, offset)
        return found.text if found is not None else ""

    def only_reads(self, statement: str) -> bool:
        """See `engines.base.Querier`."""
        return classify(statement).only_reads


class SqliteCursor(ReadAhead):
    """The rows of one statement. It holds its lock on the file only until the last of them is read."""

    code = "SQLITE_INTERRUPT"

    def __init__(self, work: Work[Connection], sql: str, timeout: float) -> None:
        self._work = work
        self._sql = sql
        super().__init__(timeout)

    async def read(self) -> None:
        loop = asyncio.get_running_loop()

        def send(columns: tuple[ResultColumn, ...] | None, rows: Sequence[Row]) -> None:
            loop.call_soon_threadsafe(self._received, columns, rows)

        async with self._work.use() as connection:

            def read(raw: sqlite3.Connection) -> bool:
                connect_tables(raw, connection.guard, self._sql)
                cursor = raw.execute(self._sql)
                try:
                    return self._read_rows(cursor, send)
                finally:
                    cursor.close()

            if await connection.run(read, timeout=self.timeout, mode="user", sql=self._sql):
                self.cut()

    def _received(self, columns: tuple[ResultColumn, ...] | None, rows: Sequence[Row]) -> None:
        if columns is not None:
            self.announce(columns)
        self.take(rows)

    def _read_rows(self, cursor: sqlite3.Cursor, send: _Send) -> bool:
        """Read until the end or the limit; whether rows are left. Runs in the connection's thread."""
        count = size = 0
        wanted = _FIRST_CHUNK
        while True:
            found = cursor.fetchmany(wanted)
            rows = [row_text(row) for row in found]
            send(columns_of(cursor.description, found) if not count else None, rows)
            count += len(rows)
            size += sum(len(cell) for row in rows for cell in row if cell is not None)
            if len(found) < wanted:
                return False
            if count >= self.max_rows or size >= MAX_BYTES:
                return cursor.fetchone() is not None
            wide = max(1, _CHUNK_CHARACTERS * count // max(1, size))
            wanted = min(_CHUNK, wide, self.max_rows - count)


def connect_tables(raw: sqlite3.Connection, guard: Guard, sql: str) -> None:
    """Compile a text without running it, so that its virtual tables are there when it is judged."""
    mode, guard.mode = guard.mode, "plan"
    try:
        raw.execute(f"EXPLAIN QUERY PLAN {sql}").close()
    except (sqlite3.Error, sqlite3.Warning):
        pass  # the statement itself tells better what is wrong
    finally:
        guard.mode, guard.refused = mode, ""
