"""Who is doing what on the server, and who waits for whom."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dbtui.engines.postgres import queries
from dbtui.model.activity import Activity, Session

if TYPE_CHECKING:
    from dbtui.engines.postgres.session import Connection

OURS = "dbtui"  # application_name of the console's own connections
MOST_ASKED = 100  # sessions whose blockers are asked for in one go
_COUNTED = ("client backend", "")  # kinds that take one of max_connections; "" is hidden


def activity_of(answer: Mapping[str, Any]) -> Activity:
    """The sessions of one answer of activity.sql; the console's own only count as connections."""
    everyone = [_session(row) for row in answer["sessions"] or ()]
    taken = sum(1 for s in everyone if s.kind in _COUNTED and (s.kind or s.user))
    shown = tuple(s for s in everyone if s.application != OURS and s.id != str(answer["self"]))
    hidden = sum(1 for s in shown if s.hidden)
    return Activity(
        sessions=shown,
        connections=taken,
        limit=answer["max"] - answer["reserved"],
        hidden=hidden,
        remedy=f"GRANT pg_monitor TO {answer['role']};" if hidden else "",
    )


def _session(row: Sequence[Any]) -> Session:
    (
        pid, started, user, database, application, client, kind, state, wait_type, wait, leader, query_id,
        query_age, transaction_age, state_age, holds_back, query, cut,
    ) = row  # fmt: skip
    return Session(
        id=str(pid),
        started=started or "",
        user=user or "",
        database=database or "",
        application=application or "",
        client=client or "",
        kind=kind or "",
        state=state or "",
        wait_type=wait_type or "",
        wait=wait or "",
        query=queries.uncut(cut) if cut else query or "",
        query_id=query_id or "",
        query_age=query_age,
        transaction_age=transaction_age,
        state_age=state_age,
        leader="" if leader is None else str(leader),
        holds_back=holds_back,
        hidden=kind is None,
    )


def waits_for_lock(activity: Activity | None) -> bool:
    """Whether anyone waits for a lock of the lock manager."""
    return activity is not None and any(s.wait_type == "Lock" for s in activity.sessions)


async def blockers(
    connection: Connection, activity: Activity, *, timeout: float
) -> dict[str, tuple[str, ...]]:
    """Session id → ids of the sessions it waits for, for those that wait longest; "0" is a prepared
    transaction.

    The server names leaders in place of parallel workers; so does this for whoever waits: what a worker waits
    for, its leader waits for too. Raises QueryError, QueryTimeout, SessionLost.
    """
    waiting = [s for s in activity.sessions if s.wait_type == "Lock"]
    waiting.sort(key=lambda s: -(s.state_age or 0.0))
    asked = [int(s.id) for s in waiting[:MOST_ASKED]]
    records = await connection.fetch(queries.query("locks"), asked, timeout=timeout, hold=True)
    answer: dict[str, list[int]] = json.loads(records[0]["answer"] or "{}")
    leaders = {s.id: s.leader for s in waiting if s.leader}
    found: dict[str, dict[str, None]] = {}
    for pid, blocking in answer.items():
        ids = dict.fromkeys(str(blocker) for blocker in blocking if str(blocker) != pid)
        for waiter in (pid, leaders.get(pid, "")):
            if waiter and ids:
                others = {id_: None for id_ in ids if id_ != waiter}
                found.setdefault(waiter, {}).update(others)
    return {waiter: tuple(ids) for waiter, ids in found.items() if ids}
