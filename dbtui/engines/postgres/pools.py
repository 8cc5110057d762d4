"""What PgBouncer's admin console says of its pools, in the simple protocol: it understands no other.

SHOW POOLS: https://www.pgbouncer.org/usage.html; messages: https://www.postgresql.org/docs/18/protocol-flow.html
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence

from dbtui import text
from dbtui.errors import QueryError, QueryTimeout, SessionLost

ADMIN_DATABASE = "pgbouncer"
HIDDEN = (
    "how PgBouncer's pools stand is hidden: add {} to stats_users in pgbouncer.ini, then RELOAD;"
    " an administrator sees it with: psql pgbouncer -c 'SHOW POOLS'"
)
SHOWN = "how PgBouncer's pools stand is among the facts of each database (SHOW POOLS)"
_LONGEST = 1 << 20  # bytes of one message
_NULL = -1

Row = dict[str, str]


async def ask(transport: asyncio.Transport, sql: str, *, timeout: float) -> list[Row]:
    """The rows of one statement over a wire that is logged in and idle; names of columns → values, "" for NULL.

    The wire is used up. Raises QueryError, QueryTimeout, SessionLost.
    """
    reader = asyncio.StreamReader(limit=_LONGEST)
    protocol = asyncio.StreamReaderProtocol(reader)
    before = transport.get_protocol()
    transport.set_protocol(protocol)
    try:
        protocol.connection_made(transport)
        body = sql.encode() + b"\0"
        transport.write(b"Q" + struct.pack("!i", len(body) + 4) + body)
        async with asyncio.timeout(timeout):
            return await _rows(reader)
    except TimeoutError:
        raise QueryTimeout("PgBouncer's admin console does not answer", "try again later") from None
    except (OSError, EOFError, struct.error, ValueError):
        raise SessionLost("PgBouncer's admin console hung up", "try again later") from None
    finally:
        transport.set_protocol(before)


async def _rows(reader: asyncio.StreamReader) -> list[Row]:
    names: list[str] = []
    rows: list[Row] = []
    refusal = ""
    while True:
        kind, length = struct.unpack("!ci", await reader.readexactly(5))
        if not 4 <= length <= _LONGEST:
            raise EOFError
        body = await reader.readexactly(length - 4)
        if kind == b"T":
            names = _columns(body)
        elif kind == b"D":
            rows.append(dict(zip(names, _values(body), strict=False)))
        elif kind == b"E":
            refusal = _message(body)
        elif kind == b"Z":
            if refusal:
                raise QueryError(refusal, "PgBouncer's admin console refused it")
            return rows


def _columns(body: bytes) -> list[str]:
    """The names in a RowDescription."""
    names = []
    at = 2
    while at < len(body):
        end = body.index(b"\0", at)
        names.append(body[at:end].decode("utf-8", "replace"))
        at = end + 1 + 18  # table, column, type, its length and modifier, format
    return names


def _values(body: bytes) -> list[str]:
    """The values of a DataRow."""
    values = []
    at = 2
    while at < len(body):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        values.append("" if length == _NULL else body[at : at + length].decode("utf-8", "replace"))
        at += max(length, 0)
    return values


def _message(body: bytes) -> str:
    """The text of an ErrorResponse."""
    fields = (part.decode("utf-8", "replace") for part in body.split(b"\0") if part)
    return next((field[1:] for field in fields if field.startswith("M")), "it gave no reason")


def facts(rows: Sequence[Row], database: str) -> list[tuple[str, str]]:
    """The pools of one database as facts: one for each user, those who wait first."""
    own = [row for row in rows if row.get("database") == database]
    own.sort(key=_waiting, reverse=True)
    return [(f"Pool of {row.get('user', '')}", _told(row)) for row in own]


def _told(row: Row) -> str:
    clients = f"clients: {row.get('cl_active', '?')} active, {row.get('cl_waiting', '?')} waiting"
    servers = f"servers: {row.get('sv_active', '?')} busy, {row.get('sv_idle', '?')} idle"
    longest = f"longest wait {text.duration(_seconds(row))}" if _waiting(row) else ""
    mode = row.get("pool_mode", "")
    return " · ".join(part for part in (clients, longest, servers, mode) if part)


def _waiting(row: Row) -> int:
    return _number(row.get("cl_waiting", ""))


def _seconds(row: Row) -> float:
    return _number(row.get("maxwait", "")) + _number(row.get("maxwait_us", "")) / 1e6


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() else 0
