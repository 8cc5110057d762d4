"""What ending a session would undo and release."""

from __future__ import annotations

from dbtui.engines.mysql.act import acting
from dbtui.engines.mysql.connection import Connection, Connector
from dbtui.errors import QueryError
from dbtui.model.activity import Session, Stakes

_TIMEOUT = 3.0  # seconds
_ROWS = """
SELECT trx_rows_modified, trx_rows_locked FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = {}
"""
_METADATA = """
SELECT DISTINCT l.LOCK_TYPE, CONCAT_WS('.', l.OBJECT_SCHEMA, l.OBJECT_NAME)
  FROM performance_schema.metadata_locks l JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID
 WHERE t.PROCESSLIST_ID = {} AND l.LOCK_STATUS = 'GRANTED' AND l.OBJECT_TYPE = 'TABLE' LIMIT 20
"""
_AUTOCOMMIT = """
SELECT x.AUTOCOMMIT FROM performance_schema.events_transactions_current x
  JOIN performance_schema.threads t ON t.THREAD_ID = x.THREAD_ID
 WHERE t.PROCESSLIST_ID = {} AND x.STATE = 'ACTIVE'
"""


async def stakes_of(connector: Connector, session: Session) -> Stakes:
    """Raises ConnectError, SessionLost; what the user may not see is not known.

    KILL QUERY undoes the statement and keeps the row locks of its transaction, unless that is of one statement
    (https://dev.mysql.com/doc/refman/8.4/en/kill.html).
    """
    async with acting(connector) as connection:
        changed = await _asked(connection, _ROWS, session)
        tables = await _asked(connection, _METADATA, session)
        own = await _asked(connection, _AUTOCOMMIT, session) if connector.probe.performance_schema else None
    rows, locked = (int(changed[0][0]), int(changed[0][1])) if changed else (None, None)
    if changed is not None and not changed:
        rows, locked = 0, 0
    held = tuple(f"{kind} on {name}" for kind, name in tables or ())
    if locked:
        held = (f"{locked} row lock{'' if locked == 1 else 's'}", *held)
    notes = ("rolling back takes about as long as changing the rows did",) if rows and rows >= 10_000 else ()
    return Stakes(None if rows is None else rows > 0, rows, held, _cancel_frees(session, own, rows), notes)


def _cancel_frees(session: Session, own: list[tuple[str, ...]] | None, rows: int | None) -> bool | None:
    if session.state != "active":
        return False
    if session.transaction_age is None and rows == 0:
        return True
    return own[0][0] == "YES" if own else None


async def _asked(connection: Connection, sql: str, session: Session) -> list[tuple[str, ...]] | None:
    """None where the server does not tell."""
    try:
        return (await connection.counted(sql.format(int(session.id)), _TIMEOUT)).texts()
    except QueryError:
        return None
