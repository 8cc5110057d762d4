"""What changes something: unblock, kill, and the one way to write. Each needs an approval of exactly that."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dbtui.engines.redis import reply, words
from dbtui.engines.redis.connection import Connection, Connector
from dbtui.engines.redis.failures import BUSY
from dbtui.engines.redis.info import clients
from dbtui.engines.redis.read_only import name_of
from dbtui.engines.redis.sessions import SCRIPT, Incarnation
from dbtui.errors import QueryError
from dbtui.model.activity import Session
from dbtui.model.result import Page
from dbtui.safety import Approval, scope_of, signal_scope

_NOT_HERE = frozenset(
    {
        "multi", "exec", "discard", "watch", "unwatch", "subscribe", "psubscribe", "ssubscribe", "unsubscribe",
        "punsubscribe", "sunsubscribe", "monitor", "sync", "psync", "replconf", "reset", "quit", "hello", "auth",
        "select", "asking", "readonly", "readwrite", "client|reply", "client|tracking", "client|caching",
        "client|no-evict", "client|no-touch", "client|setname", "client|setinfo", "script|debug",
    }
)  # fmt: skip
_GONE = "NOTBUSY"


class RedisActions:
    """See `engines.base.Actions`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def cancel(self, session: Session, approval: Approval) -> bool:
        """Unblock a client that waits, or kill the script that blocks the server.

        False when the target is no longer what was approved. A command that runs cannot be stopped: QueryError.
        """
        approval.check(self._connector.target.name, signal_scope("cancel", session))
        async with self._acting() as connection:
            if session.id == SCRIPT:
                return await _kill_script(connection)
            found = await _client(connection, session)
            if found is None:
                return False
            if "b" not in found.get("flags", ""):
                raise QueryError(
                    f"client {session.id} waits for nothing, and a command that runs cannot be stopped",
                    "X ends the client's connection",
                )
            return bool(await connection.execute(_encoded("CLIENT", "UNBLOCK", session.id), timeout=5.0))

    async def terminate(self, session: Session, approval: Approval) -> bool:
        """End a client's connection. False when it is no longer the client that was approved."""
        approval.check(self._connector.target.name, signal_scope("terminate", session))
        if session.id == SCRIPT:
            raise QueryError(
                "which client runs the script cannot be known while it runs", "x kills the script"
            )
        async with self._acting() as connection:
            expected = Incarnation.of(session.started)
            if not _same_run(connection, expected):
                return False
            # the server compares id and address itself, so nothing can change in between
            kill = _encoded("CLIENT", "KILL", "ID", session.id, "ADDR", expected.address, "SKIPME", "yes")
            return bool(await connection.execute(kill, timeout=5.0))

    async def write(self, sql: str, approval: Approval, *, database: str = "", timeout: float = 60.0) -> Page:
        """Run one command. Raises NotApproved, QueryError, PermissionDenied, QueryTimeout, SessionLost (after
        the last two it is unknown whether it was done), ConnectError.
        """
        approval.check(self._connector.target.name, scope_of(sql))
        command = runnable(sql)
        began = time.monotonic()
        async with self._acting() as connection:
            await connection.select(database or self._connector.server.database)
            answer = await connection.execute(command, timeout=timeout)
        columns, rows = reply.table(command, answer)
        status = rows[0][-1] or "done" if len(rows) == 1 else f"{len(rows)} rows"
        return Page(columns, tuple(rows), False, status[:80], time.monotonic() - began)

    @asynccontextmanager
    async def _acting(self) -> AsyncIterator[Connection]:
        connection = await self._connector.open("act")
        try:
            yield connection
        finally:
            await connection.close()


def runnable(sql: str) -> list[bytes]:
    """The words of the one command of a text. Raises QueryError for one that would change the session."""
    command = words.command(sql)
    if (name := name_of(command)) in _NOT_HERE:
        shown = name.replace("|", " ").upper()
        raise QueryError(f"{shown} is not run here", "it would change the session that runs it")
    return command


def _encoded(*command: str) -> list[bytes]:
    return [word.encode("utf-8", "surrogateescape") for word in command]


def _same_run(connection: Connection, expected: Incarnation) -> bool:
    """Whether the server was not started anew; ids begin again then."""
    return not (expected.run and connection.probe.run_id) or expected.run == connection.probe.run_id


async def _client(connection: Connection, session: Session) -> dict[str, str] | None:
    """The client as it is now, None when it is another one or gone."""
    expected = Incarnation.of(session.started)
    if not _same_run(connection, expected):
        return None
    answer = await connection.execute(_encoded("CLIENT", "LIST", "ID", session.id), timeout=5.0)
    found = next(clients(answer), None) if isinstance(answer, bytes) else None
    return found if found is not None and found.get("addr") == expected.address else None


async def _kill_script(connection: Connection) -> bool:
    """SCRIPT KILL, or FUNCTION KILL where a function runs; False when nothing runs any more."""
    try:
        await connection.execute(_encoded("SCRIPT", "KILL"), timeout=5.0)
    except QueryError as error:
        if error.code == _GONE:
            return False
        if error.code != BUSY:
            raise
        await connection.execute(_encoded("FUNCTION", "KILL"), timeout=5.0)
    return True
