"""The last deadlock in the server's log: PostgreSQL keeps a counter, and writes what deadlocked to its log alone."""

from __future__ import annotations

import re

from dbtui.engines.postgres.connection import Connector
from dbtui.engines.postgres.ddl import identifier
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.activity import Deadlock, Party

TAIL = 1_000_000  # bytes of the log that are read
_MOST = 20_000  # characters of one deadlock
_TIMEOUT = 5.0  # seconds
_DETECTED = re.compile(r'^(.*?)\b(?:ERROR|FATAL)(?::\s+(?:40P01: )?|,40P01,")deadlock detected', re.M)
_WAITS = re.compile(r"Process (\d+) waits for (.+?); blocked by process (\d+)\.")
_RAN = re.compile(
    r"Process (\d+): (.*?)(?=\n\s*Process \d+: "
    r"|\n[^\n]*?\b(?:HINT|CONTEXT|STATEMENT|LOG|ERROR):  |\",\"See server log|\Z)",
    re.S,
)
_AT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?")
_PID = re.compile(r"\[(\d+)\]|,(\d+),")


def read(log: str) -> Deadlock:
    """The last deadlock in a piece of a log of the format stderr or csvlog; without parties when there is none."""
    found = list(_DETECTED.finditer(log))
    if not found:
        return Deadlock(note="the end of the server's log tells of no deadlock")
    body = log[found[-1].start() :][:_MOST]
    at, victim = _AT.search(found[-1][1]), _PID.search(found[-1][1])
    ran: dict[str, str] = {}
    for pid, statement in _RAN.findall(body):
        ran.setdefault(pid, statement.strip())
    parties = tuple(
        Party(pid, ran.get(pid, ""), f"{lock}, blocked by {other}", _is(pid, victim))
        for pid, lock, other in dict.fromkeys(_WAITS.findall(body))
    )
    return Deadlock(parties, at[0] if at else "", "from the server's log")


def _is(pid: str, victim: re.Match[str] | None) -> bool:
    return victim is not None and pid in victim.groups()


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
