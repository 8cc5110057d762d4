"""Prepared transactions that others wait for: nobody is connected, so they are sessions of their own kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dbtui.engines.postgres import queries
from dbtui.model.activity import Session
from dbtui.sql.quoting import postgres_literal

if TYPE_CHECKING:
    from dbtui.engines.postgres.connection import Connection

KIND = "prepared transaction"
_NOBODY = "0"  # what pg_blocking_pids says of them all

Blockers = Mapping[str, tuple[str, ...]]


async def named(
    connection: Connection, found: Blockers, *, timeout: float
) -> tuple[Blockers, tuple[Session, ...]]:
    """The blockers with prepared transactions by their names, and a session for each. Asks only when there is one.

    Raises QueryError, QueryTimeout, SessionLost.
    """
    asked = [int(waiter) for waiter, blockers in found.items() if _NOBODY in blockers]
    if not asked:
        return found, ()
    records = await connection.fetch(queries.query("prepared"), asked, timeout=timeout, hold=True)
    rows = queries.read(records[0]["answer"]) or ()
    held: dict[str, list[str]] = {}
    sessions: dict[str, Session] = {}
    for pid, gid, owner, database, age in rows:
        session = _session(gid, owner, database, age)
        sessions[session.id] = session
        held.setdefault(str(pid), []).append(session.id)
    renamed = {
        waiter: tuple(
            name
            for blocker in blockers
            for name in (held.get(waiter, [blocker]) if blocker == _NOBODY else [blocker])
        )
        for waiter, blockers in found.items()
    }
    return renamed, tuple(sessions.values())


def _session(gid: str, owner: str, database: str, age: float) -> Session:
    return Session(
        id=f"gid {gid}",
        started=gid,
        user=owner,
        database=database,
        application="",
        client="",
        kind=KIND,
        state="prepared",
        wait_type="",
        wait="",
        query=f"ROLLBACK PREPARED {postgres_literal(gid)}",
        transaction_age=age,
        state_age=age,
    )
