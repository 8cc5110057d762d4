"""What ending a session would undo and release."""

from __future__ import annotations

from dbtui.engines.postgres import queries
from dbtui.engines.postgres.connection import Connector
from dbtui.model.activity import Session, Stakes

_TIMEOUT = 3.0  # seconds


async def stakes_of(connector: Connector, session: Session) -> Stakes:
    """Raises ConnectError, QueryError, QueryTimeout, SessionLost.

    An aborted transaction gives its locks back before the client says ROLLBACK (AbortTransaction in the server's
    xact.c), so cancelling a running statement frees whoever waits; there is nothing to cancel in an idle session.
    """
    connection = await connector.open("act")
    try:
        records = await connection.fetch(queries.query("stakes"), int(session.id), timeout=_TIMEOUT)
    finally:
        await connection.close()
    answer = queries.read(records[0]["answer"])
    wrote = answer["wrote"]
    notes = (
        ("what it wrote is left behind as dead rows for vacuum: rolling back itself is quick",)
        if wrote
        else ()
    )
    return Stakes(wrote, None, tuple(answer["locks"] or ()), session.state == "active", notes)
