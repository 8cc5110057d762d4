"""A session that stands, offered to a program of PostgreSQL's own, such as pg_dump, as a socket in a private folder.

The program needs no password, certificate, tunnel or Kerberos ticket, and no TLS, with which the wheel's programs
are not built: it is told that it is logged in (AuthenticationOk), and from then on both sides speak for themselves.
Messages: https://www.postgresql.org/docs/18/protocol-flow.html
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from dbtui.engines.postgres.session import Connection
from dbtui.errors import ConnectError

SOCKET = ".s.PGSQL.5432"
_LONGEST_START = 10_000  # bytes, the server's own limit for a startup packet
_PROTOCOL_3 = 3 << 16


@asynccontextmanager
async def relayed(connection: Connection, folder: Path) -> AsyncIterator[None]:
    """One program may connect to the socket in `folder` for as long as the block lasts; the session is used up.

    Raises ConnectError behind a pooler, whose sessions would keep the program's settings.
    """
    if connection.pooled:
        raise ConnectError("pg_dump cannot work through a pooler", "connect to the server itself")
    async with connection.handed_over() as (transport, reported):
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        writer = asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
        taken = asyncio.Event()

        async def serve(program: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
            try:
                if not taken.is_set() and await _starts(program):
                    taken.set()
                    answer.write(_welcome(reported))
                    await _splice((program, writer), (reader, answer))
            finally:
                answer.close()

        server = await asyncio.start_unix_server(serve, folder / SOCKET)
        async with server:
            yield
        (folder / SOCKET).unlink(missing_ok=True)


async def _starts(program: asyncio.StreamReader) -> bool:
    """Whether the first packet is a login, whose content does not matter."""
    try:
        (length,) = struct.unpack("!i", await program.readexactly(4))
        if not 8 <= length <= _LONGEST_START:
            return False
        (version,) = struct.unpack("!i", (await program.readexactly(length - 4))[:4])
    except asyncio.IncompleteReadError:
        return False
    return bool(version >> 16 == _PROTOCOL_3 >> 16)


def _welcome(reported: Mapping[str, str]) -> bytes:
    """AuthenticationOk, ParameterStatus of all that was reported, ReadyForQuery."""
    told = b"".join(
        _message(b"S", name.encode() + b"\0" + value.encode() + b"\0") for name, value in reported.items()
    )
    return _message(b"R", struct.pack("!i", 0)) + told + _message(b"Z", b"I")


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


async def _splice(*ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """Carry bytes until either side ends."""
    tasks = [asyncio.ensure_future(_carry(*way)) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
