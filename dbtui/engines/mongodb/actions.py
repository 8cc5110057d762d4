"""What changes something: killOp, killing a session, and the one way to write, each with an approval of just that."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from dbtui.engines.mongodb import read_only, sessions, values
from dbtui.engines.mongodb.connection import Connector
from dbtui.engines.mongodb.failures import grant, lacks
from dbtui.engines.mongodb.query import MongoCursor, database_of, document_of
from dbtui.engines.mongodb.session import Connection
from dbtui.engines.mongodb.shell import Command, parse
from dbtui.engines.mongodb.stakes import stakes_of
from dbtui.engines.readahead import MAX_ROWS
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.activity import Session, Stakes
from dbtui.model.result import Page, ResultColumn
from dbtui.safety import Approval, scope_of, signal_scope

_NOT_HERE = frozenset(
    {"getMore", "killCursors", "saslStart", "saslContinue", "authenticate", "logout", "endSessions"}
)
_NEVER = "the server can stop it by maxTimeMS alone"


class MongoActions:
    """See `engines.base.Actions`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def cancel(self, session: Session, approval: Approval) -> bool:
        """Stop an operation. False when it is no longer the one that was approved, by opid, client and command."""
        approval.check(self._connector.target.name, signal_scope("cancel", session))
        async with self._connector.acting() as connection:
            operation = await _find(connection, session)
            if operation is None or not operation.get("active"):
                return False
            await _run(connection, {"killOp": 1, "op": operation["opid"]}, "killOp", "hostManager")
        return True

    async def terminate(self, session: Session, approval: Approval) -> bool:
        """End the logical session of an operation, with its transaction and cursors; without one, the operation."""
        approval.check(self._connector.target.name, signal_scope("terminate", session))
        async with self._connector.acting() as connection:
            operation = await _find(connection, session)
            if operation is None:
                return False
            lsid = operation.get("lsid")
            if isinstance(lsid, Mapping) and "id" in lsid:
                pattern = {"lsid": {key: lsid[key] for key in ("id", "uid") if key in lsid}}
                command: dict[str, Any] = {"killAllSessionsByPattern": [pattern]}
            elif operation.get("active"):
                command = {"killOp": 1, "op": operation["opid"]}
            else:
                raise QueryError(
                    "it has no logical session and runs nothing, so there is nothing to end",
                    "MongoDB has no command that closes a client's connection",
                )
            await _run(connection, command, next(iter(command)), "hostManager")
        return True

    async def stakes(self, session: Session) -> Stakes:
        """See `engines.base.Weighs`."""
        async with self._connector.acting() as connection:
            return stakes_of(session, await _find(connection, session))

    async def write(self, sql: str, approval: Approval, *, database: str = "", timeout: float = 60.0) -> Page:
        """Run one command that may write. `timeout` is in seconds and holds at the server.

        The row is the reply. Raises NotApproved, QueryError, PermissionDenied, QueryTimeout, SessionLost (then it
        is unknown whether the command was done), ConnectError.
        """
        approval.check(self._connector.target.name, scope_of(sql))
        command = parse(sql)
        if command.name in _NOT_HERE:
            raise QueryError(
                f"{command.name} is not run here", "it belongs to a session that the console has not"
            )
        began = time.monotonic()
        async with self._connector.acting() as connection:
            place = database_of(command, database, connection)
            if read_only.only_reads(command):
                return await _read(connection, command, place, timeout)
            reply = await connection.command(
                document_of(command), database=place, timeout=timeout, role="readWrite"
            )
        raise_errors(reply)
        return _page(command.name, reply, time.monotonic() - began)


async def _read(connection: Connection, command: Command, database: str, timeout: float) -> Page:
    """The documents of a command that only reads, which needs no approval but may have one."""
    cursor = MongoCursor(connection, command, database, timeout)
    try:
        await cursor.started()
        return await cursor.fetch(MAX_ROWS)
    finally:
        await cursor.close()


async def _find(connection: Connection, session: Session) -> Mapping[str, Any] | None:
    """The operation as it is now, if it still is what was approved."""
    for which in ({"allUsers": True, "idleSessions": True}, {"allUsers": False, "idleSessions": True}):
        asked = {"aggregate": 1, "pipeline": [{"$currentOp": which}], "cursor": {}}
        try:
            found = await connection.documents(asked, timeout=5.0)
        except PermissionDenied:
            continue
        for operation in found:
            if sessions.id_of(operation) == session.id:
                return operation if sessions.fingerprint(operation) == session.started else None
        return None
    return None


async def _run(connection: Connection, command: Mapping[str, Any], name: str, role: str) -> None:
    try:
        await connection.command(command, timeout=5.0, role=role)
    except PermissionDenied as error:
        remedy = grant(connection.probe.user, role)
        raise PermissionDenied(error.message, remedy, code=error.code, remedy=remedy) from None
    except QueryError as error:
        if lacks(error):
            raise QueryError(f"{connection.probe.name} has no {name}", _NEVER, code=error.code) from None
        raise


def raise_errors(reply: Mapping[str, Any]) -> None:
    """Errors of single documents, which the server reports inside a reply that is ok."""
    for key in ("writeErrors", "writeConcernError"):
        found = reply.get(key)
        first = found[0] if isinstance(found, list) and found else found
        if isinstance(first, Mapping):
            done = int(reply.get("n") or 0)
            before = f"{done} were written before; " if done else ""
            raise QueryError(f"{before}{first.get('errmsg', key)}", code=str(first.get("code", "")))


def _page(name: str, reply: Mapping[str, Any], took: float) -> Page:
    shown = {key: value for key, value in reply.items() if key not in ("ok", "$clusterTime", "operationTime")}
    columns = tuple(ResultColumn(key, values.type_of(value)) for key, value in shown.items())
    row = tuple(values.cell(value) for value in shown.values())
    count = reply.get("nModified", reply.get("n"))
    status = f"{name} {count}" if isinstance(count, int) else f"{name} done"
    return Page(columns, (row,) if columns else (), False, status, took)
