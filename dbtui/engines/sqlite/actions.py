"""The one way to write. What other processes do, SQLite cannot stop."""

from __future__ import annotations

import sqlite3
import time
from typing import Literal, NoReturn

from dbtui.engines.base import LONGEST
from dbtui.engines.readahead import MAX_ROWS
from dbtui.engines.slots import Purpose
from dbtui.engines.sqlite.connection import Connector
from dbtui.engines.sqlite.values import columns_of, row_text
from dbtui.errors import QueryError
from dbtui.model.activity import Session
from dbtui.model.catalog import Kind, Node
from dbtui.model.result import Page
from dbtui.safety import Approval, scope_of, signal_scope
from dbtui.sql.classify import first_word
from dbtui.sql.quoting import identifier

NO_SIGNALS = "SQLite has no server that could stop what another process does with the file"
_OWN_TRANSACTION = frozenset({"begin", "commit", "end", "rollback", "savepoint", "release"})
_ALONE = frozenset({"vacuum", "pragma"})  # what refuses a transaction, or does nothing inside one


class SqliteActions:
    """See `engines.base.Actions`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def cancel(self, session: Session, approval: Approval) -> bool:
        """Raises QueryError: it cannot be done."""
        approval.check(self._connector.target.name, signal_scope("cancel", session))
        _no_signals(session)

    async def terminate(self, session: Session, approval: Approval) -> bool:
        """Raises QueryError: it cannot be done."""
        approval.check(self._connector.target.name, signal_scope("terminate", session))
        _no_signals(session)

    def maintenance(self, node: Node, what: Literal["vacuum", "analyze"]) -> str:
        """See `engines.base.Maintains`. VACUUM rewrites the whole file; SQLite has none for a table."""
        if node.kind is not Kind.TABLE:
            return ""
        return "VACUUM" if what == "vacuum" else f"ANALYZE {identifier(node.path[-1])}"

    async def write(self, sql: str, approval: Approval, *, database: str = "", timeout: float = 60.0) -> Page:
        """Run one statement in a transaction of its own, on a connection of its own, with foreign keys enforced.

        A lock is waited for 3 s at most. Rows come back for RETURNING, at most MAX_ROWS of them. Raises
        NotApproved, QueryError, PermissionDenied, QueryTimeout (then nothing was written), ConnectError.
        """
        approval.check(self._connector.target.name, scope_of(sql))
        return await self._write(sql, timeout, "act")

    async def maintain(self, sql: str, approval: Approval, *, database: str = "") -> Page:
        """See `engines.base.Maintains`."""
        approval.check(self._connector.target.name, scope_of(sql))
        return await self._write(sql, LONGEST, "run")

    async def _write(self, sql: str, timeout: float, purpose: Purpose) -> Page:
        verb = first_word(sql)
        if verb in _OWN_TRANSACTION:
            raise QueryError(f"{verb.upper()} is not run here", "each statement has a transaction of its own")
        if not verb:
            raise QueryError("there is no statement", "type one")
        connection = await self._connector.open(purpose, writable=True)
        guard = connection.guard

        def write(raw: sqlite3.Connection) -> Page:
            began = time.monotonic()
            alone = verb in _ALONE
            if not alone:
                guard.mode = "own"
                raw.execute("BEGIN IMMEDIATE")
            before = raw.total_changes
            guard.mode = "write"
            cursor = raw.execute(sql)
            found = cursor.fetchmany(MAX_ROWS + 1)
            for _ in cursor:  # the changes are made as the rows are read
                pass
            status = f"{verb.upper()} {raw.total_changes - before}"
            if not alone:
                guard.mode = "own"
                raw.execute("COMMIT")
            rows = tuple(row_text(row) for row in found[:MAX_ROWS])
            columns = columns_of(cursor.description, found)
            return Page(columns, rows, len(found) > MAX_ROWS, status, time.monotonic() - began)

        try:
            return await connection.run(write, timeout=timeout, mode="write", sql=sql)
        finally:
            await connection.close()


def _no_signals(session: Session) -> NoReturn:
    raise QueryError(
        NO_SIGNALS, f"only the process itself can let go: end process {session.id}, if it is yours"
    )
