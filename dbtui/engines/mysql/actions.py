"""What changes something: cancel, terminate, and one statement under an approval.

A target is looked up again just before KILL is sent. Between the two nobody else can have got its id: a server
counts connection ids up.
"""

from __future__ import annotations

import time
from typing import Literal

from dbtui.engines.base import LONGEST
from dbtui.engines.mysql.act import acting
from dbtui.engines.mysql.connection import Connection, Connector, limit
from dbtui.engines.mysql.failures import account
from dbtui.engines.mysql.lex import first_word, identifier, single
from dbtui.engines.mysql.sessions import started
from dbtui.engines.mysql.stakes import stakes_of
from dbtui.engines.mysql.wire import shown
from dbtui.engines.readahead import MAX_ROWS
from dbtui.engines.slots import Purpose
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.activity import Session, Stakes
from dbtui.model.catalog import Kind, Node
from dbtui.model.result import Page
from dbtui.safety import Approval, scope_of, signal_scope

_OWN_TRANSACTION = frozenset(
    {"begin", "start", "commit", "rollback", "savepoint", "release", "xa", "lock", "unlock"}
)
_GONE = "1094"  # ER_NO_SUCH_THREAD
_PROCEDURES = {  # of managed services, whose users may not KILL the sessions of others
    "cancel": ("rds_kill_query", "az_kill_query"),
    "terminate": ("rds_kill", "az_kill"),
}


class MysqlActions:
    """See `engines.base.Actions`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def cancel(self, session: Session, approval: Approval) -> bool:
        """Stop the running statement of a session. False when it is no longer the session that was approved."""
        approval.check(self._connector.target.name, signal_scope("cancel", session))
        return await self._kill("cancel", session)

    async def terminate(self, session: Session, approval: Approval) -> bool:
        """End a session. False when it is no longer the session that was approved."""
        approval.check(self._connector.target.name, signal_scope("terminate", session))
        return await self._kill("terminate", session)

    async def write(self, sql: str, approval: Approval, *, database: str = "", timeout: float = 60.0) -> Page:
        """Run one statement; one that changes rows has a transaction of its own, DDL commits by itself.

        A lock is waited for 3 s at most. Rows come back at most MAX_ROWS of them. Raises NotApproved, QueryError,
        PermissionDenied, QueryTimeout, SessionLost (then it is unknown whether it was done), ConnectError.
        """
        approval.check(self._connector.target.name, scope_of(sql))
        return await self._write(sql, database, timeout, "act")

    async def maintain(self, sql: str, approval: Approval, *, database: str = "") -> Page:
        """See `engines.base.Maintains`."""
        approval.check(self._connector.target.name, scope_of(sql))
        return await self._write(sql, database, LONGEST, "run")

    async def _write(self, sql: str, database: str, timeout: float, purpose: Purpose) -> Page:
        text = single(sql, self._connector.probe.identity.dialect)
        verb = first_word(text)
        if verb in _OWN_TRANSACTION:
            raise QueryError(f"{verb.upper()} is not run here", "each statement has a transaction of its own")
        began = time.monotonic()
        async with acting(self._connector, database, purpose) as connection:
            raw = connection.raw
            await raw.ask("SET SESSION innodb_lock_wait_timeout = 3")
            await limit(raw, connection.identity, timeout)
            await raw.ask("START TRANSACTION")
            answer = await connection.counted(text, timeout)
            await connection.counted("COMMIT", timeout)
        rows = tuple(shown(row, answer.fields) for row in answer.rows[:MAX_ROWS])
        status = f"{verb.upper()} {len(answer.rows) if answer.fields else answer.affected}"
        columns = tuple(field.column for field in answer.fields)
        return Page(columns, rows, len(answer.rows) > MAX_ROWS, status, time.monotonic() - began)

    async def stakes(self, session: Session) -> Stakes:
        """See `engines.base.Weighs`."""
        return await stakes_of(self._connector, session)

    def maintenance(self, node: Node, what: Literal["vacuum", "analyze"]) -> str:
        """See `engines.base.Maintains`."""
        if node.kind is not Kind.TABLE or what != "analyze":
            return ""
        return f"ANALYZE TABLE {'.'.join(identifier(part) for part in node.path[-2:])}"

    async def _kill(self, action: str, session: Session) -> bool:
        if not session.id.isdigit():
            return False
        async with acting(self._connector) as connection:
            if not await _is_still(connection, session):
                return False
            sql = f"KILL {'QUERY' if action == 'cancel' else 'CONNECTION'} {session.id}"
            procedure = await _procedure(connection, action) if self._may_need_procedure(session) else ""
            try:
                await connection.counted(f"CALL mysql.{procedure}({session.id})" if procedure else sql, 10.0)
            except QueryError as error:
                if error.code == _GONE:
                    return False
                if error.code in ("1095", "1227") or isinstance(error, PermissionDenied):
                    raise self._with_remedy(error, session) from None
                raise
        return True

    def _may_need_procedure(self, session: Session) -> bool:
        return session.user != self._connector.server.user

    def _with_remedy(self, error: QueryError, session: Session) -> PermissionDenied:
        privilege = "CONNECTION ADMIN" if self._connector.probe.mariadb else "CONNECTION_ADMIN"
        grant = f"GRANT {privilege} ON *.* TO {account(self._connector.probe.identity.current_user)};"
        return PermissionDenied(
            f"session {session.id}: {error.message}", grant, code=error.code, remedy=grant
        )


async def _is_still(connection: Connection, session: Session) -> bool:
    """Whether the id still belongs to the session that was seen: see `sessions`."""
    rows = (await connection.counted("SHOW PROCESSLIST", 5.0)).texts()
    found = next((row for row in rows if row[0] == session.id), None)
    boot, _, _who = session.started.partition(" ")
    if found is None or not boot.isdigit() or abs(int(boot) - connection.identity.boot) > 2:
        return False
    return session.started == started(int(boot), found[1], found[2])


async def _procedure(connection: Connection, action: str) -> str:
    """The managed service's own procedure, "" where there is none."""
    names = ", ".join(f"'{name}'" for name in _PROCEDURES[action])
    sql = (
        "SELECT ROUTINE_NAME FROM information_schema.ROUTINES"
        f" WHERE ROUTINE_SCHEMA = 'mysql' AND ROUTINE_NAME IN ({names})"
    )
    rows = (await connection.counted(sql, 5.0)).texts()
    return rows[0][0] if rows else ""
