"""The last deadlock in the server's log: PostgreSQL keeps a counter, and writes what deadlocked to its log alone."""

from __future__ import annotations

import json
import re

from dbtui.engines.postgres.connection import Connector
from dbtui.engines.postgres.ddl import identifier
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.activity import Deadlock
from dbtui.sql.deadlock import MESSAGE, deadlock_of

TAIL = 1_000_000  # bytes of the log that are read
_MOST = 20_000  # characters of one deadlock
_TIMEOUT = 5.0  # seconds
_DETECTED = re.compile(r'^(.*?)\b(?:ERROR|FATAL)(?::\s+(?:40P01: )?|,40P01,")deadlock detected', re.M)
_END = re.compile(r'\n[^\n]*?\b(?:HINT|CONTEXT|STATEMENT|LOG|ERROR):  |","See server log')  # of the detail
_AT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?")
_PID = re.compile(r"\[(\d+)\]|,(\d+),")


def read(log: str) -> Deadlock:
    """The last deadlock in a piece of a log of any format; without parties when there is none."""
    if (said := _in_json(log)) is not None:
        return said
    found = list(_DETECTED.finditer(log))
    if not found:
        return Deadlock(note="the end of the server's log tells of no deadlock")
    body = log[found[-1].start() :][:_MOST].replace("\n\t", "\n")  # as the server indents what goes on
    head = found[-1][1]
    at, victim = _AT.search(head), _PID.search(head)
    end = _END.search(body, len(head))
    pid = (victim[1] or victim[2]) if victim else ""
    return deadlock_of(body[: end.start()] if end else body, pid, at[0] if at else "")


def _in_json(log: str) -> Deadlock | None:
    """The last one in a jsonlog, whose first line may be cut; None in another log, or where it tells of none."""
    for line in reversed(log.splitlines()):
        if not line.startswith("{") or f'"{MESSAGE}"' not in line:
            continue
        try:
            said = json.loads(line)
        except ValueError:
            continue
        return deadlock_of(
            str(said.get("detail", "")), str(said.get("pid", "")), str(said.get("timestamp", ""))
        )
    return None


async def last(connector: Connector) -> Deadlock:
    """What the log that the server writes now tells, if this role may read it. Raises ConnectError, SessionLost."""
    connection = await connector.open("act")
    try:
        path = await connection.fetchval("SELECT pg_catalog.pg_current_logfile()")
        if not path:
            return Deadlock(
                note="the server writes its log to where SQL cannot read it (logging_collector is off)"
            )
        rows = await connection.fetch(_READ, str(path), TAIL, timeout=_TIMEOUT)
    except PermissionDenied:
        grant = f"GRANT pg_monitor, pg_read_server_files TO {identifier(connector.server.user)};"
        return Deadlock(note=f"the server's log, where it tells of deadlocks, may not be read: {grant}")
    except QueryError as error:
        return Deadlock(note=f"the server's log could not be read: {error}")
    finally:
        await connection.close()
    return read(bytes(rows[0][0]).decode("utf-8", "replace"))


_READ = """
SELECT pg_catalog.pg_read_binary_file($1::text,
         greatest(0, (pg_catalog.pg_stat_file($1::text)).size - $2::int8), $2::int8)
"""
