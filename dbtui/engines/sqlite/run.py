"""The connection that runs a plan on a SQLite file: see `engines.base.RunSession`.

One runner a file is held by a lock on a file beside it, `NAME-dbtui`, which is removed afterwards: SQLite itself has
no lock that outlives a transaction.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from dbtui.engines.base import Statement
from dbtui.engines.claim import FileClaim
from dbtui.engines.held import HeldByFile
from dbtui.engines.sqlite.connection import Connection, Connector
from dbtui.model.run import Look

_BUSY = 3.0  # seconds that a lock of another process is waited for, unless a step says otherwise
_FOREVER = 30 * 86400.0  # seconds


class SqliteRunSession(HeldByFile[Connection]):
    """See `engines.base.RunSession`."""

    def __init__(self, connector: Connector) -> None:
        super().__init__(connector.target.name)
        self._connector = connector
        self._claim = FileClaim(Path(self.identity + "-dbtui"), "file")

    @property
    def id(self) -> str:
        """The process itself."""
        return str(os.getpid())

    @property
    def identity(self) -> str:
        """The file's own path, without links."""
        return os.path.realpath(self._connector.place.path)

    async def reopen(self) -> None:
        """A new connection. Raises ConnectError."""
        await self._leave()
        self._connection = await self._connector.open("run", writable=True)

    async def read(self, sql: str, *, timeout: float = 10.0) -> Sequence[tuple[str | None, ...]]:
        def fetch(raw: sqlite3.Connection) -> list[tuple[str | None, ...]]:
            return [tuple(None if cell is None else str(cell) for cell in row) for row in raw.execute(sql)]

        return await self._open.run(fetch, timeout=timeout, sql=sql)

    async def write(
        self,
        statements: Sequence[Statement],
        *,
        one: bool = True,
        lock_timeout: float | None = None,
        timeout: float = 0.0,
    ) -> tuple[int, ...]:
        """See `engines.base.RunSession`. A transaction takes its write lock at the beginning (BEGIN IMMEDIATE)."""
        self._gate.check()
        connection = self._open
        patience = _BUSY if lock_timeout is None else lock_timeout or _FOREVER

        def run(raw: sqlite3.Connection) -> tuple[int, ...]:
            guard, counts = connection.guard, list[int]()
            guard.mode = "own"
            raw.execute(f"PRAGMA busy_timeout = {int(min(patience, _FOREVER) * 1000)}")
            try:
                if one:
                    raw.execute("BEGIN IMMEDIATE")
                for statement in statements:
                    text = statement if isinstance(statement, str) else statement(counts)
                    before = raw.total_changes
                    guard.mode = "write"
                    raw.execute(text).fetchall()  # the changes are made as the rows are read
                    guard.mode = "own"
                    counts.append(raw.total_changes - before)
                if one:
                    raw.execute("COMMIT")
            except sqlite3.Error:
                guard.mode = "own"
                if raw.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        raw.execute("ROLLBACK")
                raise
            return tuple(counts)

        return await connection.run(run, timeout=timeout or _FOREVER, mode="own")

    async def cancel(self) -> None:
        if self._connection is not None:
            await self._connection.interrupt()

    async def look(self, relation: str) -> Look:
        """Nothing is to be seen beside a file: who waits for its lock, no other process can know."""
        return Look()
