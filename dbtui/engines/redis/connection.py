"""The way to a server, and the at most three sessions that it has: monitor, work and act.

`Connector` knows the way (URL, password, TLS, tunnel) and opens sessions; each is a `Connection`; `Work` is the one
that catalog and queries share.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

from dbtui.config import Secret, Target
from dbtui.engines.network import look_up
from dbtui.engines.redis import tls
from dbtui.engines.redis.address import Parameters, read
from dbtui.engines.redis.failures import FAILURES, PasswordRefused, code_of, described_connect
from dbtui.engines.redis.server import Probe, read_hello, read_info, server
from dbtui.engines.redis.session import Connection, Purpose
from dbtui.engines.redis.wire import Command, RedisError, Wire
from dbtui.engines.tunnel import Tunnel
from dbtui.errors import AuthenticationError, ConnectError
from dbtui.model.server import Server

__all__ = ["Connection", "Connector", "Work"]

OURS = "dbtui"  # CLIENT SETNAME of the console's own sessions
_ACTION_LIMIT = 10.0  # seconds to wait for the end of an earlier action


class Connector:
    """The way to one server. At most one session of each purpose is open."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._parameters: Parameters | None = None
        self._tunnel: Tunnel | None = None
        self._prompted: Secret | None = None
        self._sessions: dict[Purpose, Connection] = {}
        self._leaving = False
        self._digging = asyncio.Lock()
        self._opening: dict[Purpose, asyncio.Lock] = {
            "monitor": asyncio.Lock(), "work": asyncio.Lock(), "act": asyncio.Lock(),
        }  # fmt: skip
        self._waiting: Connection | None = None
        self._server: Server | None = None

    @property
    def server(self) -> Server:
        """As the newest monitor session saw it."""
        assert self._server is not None, "open() comes first"
        return self._server

    async def connect(self) -> Server:
        """Open the monitor session, which the first `open("monitor")` then hands out. Raises ConnectError."""
        self._leaving = False
        self._waiting = await self._fresh("monitor")
        return self.server

    async def open(self, purpose: Purpose) -> Connection:
        """A new session in place of an older one of the same purpose, so there are never more than three.

        An older monitor or work session is dropped; the end of an action is waited for, at most 10 s. The
        password's source is asked each time. Raises ConnectError, AuthenticationError, NoSlotsLeft.
        """
        if purpose == "monitor":
            waiting, self._waiting = self._waiting, None
            if waiting is not None and not waiting.closed:
                return waiting
        return await self._fresh(purpose)

    async def close(self) -> None:
        """Drop all sessions and end the tunnel, also what is just being opened; waits for no server."""
        self._leaving = True
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        if self._tunnel is not None:
            self._tunnel.close()
            self._tunnel = None

    # ---- inside

    async def _fresh(self, purpose: Purpose) -> Connection:
        async with self._opening[purpose]:
            await self._make_room(purpose)
            connection = await self._open(purpose)
            if self._leaving:
                connection.close()
                raise ConnectError(f"{self.target.name} is being left", "connect again")
            self._sessions[purpose] = connection
            if purpose == "monitor":
                self._server = connection.server
            return connection

    async def _make_room(self, purpose: Purpose) -> None:
        former = self._sessions.pop(purpose, None)
        if former is None:
            return
        if purpose == "act":
            try:
                async with asyncio.timeout(_ACTION_LIMIT):
                    await former.ended.wait()
            except TimeoutError:
                self._sessions[purpose] = former
                raise ConnectError("another action still runs on this server", "wait for its end") from None
        former.close()

    async def _open(self, purpose: Purpose) -> Connection:
        if self._parameters is None:
            self._parameters = read(self.target.url)
        own = await self.target.password() if self.target.password is not None else None
        kept, self._prompted = self._prompted, None
        try:
            found = await self._reach(purpose, own or kept)
        except PasswordRefused:
            if own is not None or self.target.prompt is None:
                raise
            kept = await self.target.prompt()
            if kept is None:
                raise AuthenticationError(
                    f"no password was given for {self.target.name}", "give one to connect"
                ) from None
            found = await self._reach(purpose, kept)
        self._prompted = kept
        return found

    async def _reach(self, purpose: Purpose, password: Secret | None) -> Connection:
        parameters = self._parameters
        assert parameters is not None
        user = parameters.user or "default"
        wire: Wire | None = None
        try:
            async with asyncio.timeout(parameters.connect_timeout * (3 if self.target.ssh else 1)):
                way = await self._way(parameters)
                wire = await _dial(parameters, way)
                probe = await greet(wire, parameters, password, purpose)
        except (*FAILURES, TimeoutError) as error:
            if wire is not None:
                wire.abort()
            if parameters.protocol == 3 and _knows_no_hello(error):
                self._parameters = replace(parameters, protocol=2)
                return await self._reach(purpose, password)
            raise described_connect(error, parameters.where, user, tls=parameters.tls is not None) from None
        except BaseException:
            if wire is not None:
                wire.abort()
            raise
        return Connection(wire, probe, server(probe, parameters, self.target.notes), purpose)

    async def _way(self, parameters: Parameters) -> tuple[str, int]:
        """Where to dial: the near end of a tunnel, or the host itself."""
        async with self._digging:
            if not self.target.ssh:
                return parameters.host, parameters.port
            if parameters.path:
                raise ConnectError(
                    "a socket cannot be reached through ssh", "give the host and port of the server"
                )
            if self._tunnel is None or not self._tunnel.alive:
                if self._tunnel is not None:
                    self._tunnel.close()
                self._tunnel = await Tunnel.open(
                    self.target.ssh,
                    [(parameters.host, parameters.port)],
                    timeout=parameters.connect_timeout * 2,
                )
            return self._tunnel.ends[0]


async def _dial(parameters: Parameters, way: tuple[str, int]) -> Wire:
    """An open stream. Every address of a name is tried, in the order of the name servers."""
    if parameters.path:
        reader, writer = await asyncio.open_unix_connection(parameters.path)
        return Wire(reader, writer, parameters.where, parameters.protocol)
    context: ssl.SSLContext | None = None if parameters.tls is None else tls.context(parameters.tls)
    host, port = way
    failure: OSError | None = None
    for ip in await look_up(host, port):
        try:
            reader, writer = await asyncio.open_connection(
                ip, port, ssl=context, server_hostname=parameters.host if context else None
            )
        except ssl.SSLError:
            raise
        except OSError as error:
            failure = error
        else:
            return Wire(reader, writer, parameters.where, parameters.protocol)
    raise failure or OSError("the name has no address")


async def greet(wire: Wire, parameters: Parameters, password: Secret | None, purpose: Purpose) -> Probe:
    """Log in and ask what answers, in one round trip. Raises what the driver raises for a refused login."""
    hello, login = _logins(parameters, password)
    commands: list[Command] = [
        hello or login or ("PING",),
        ("CLIENT", "SETNAME", OURS),
        ("ACL", "WHOAMI"),
        ("INFO", "everything" if purpose == "monitor" else "server"),
        ("CLIENT", "SETINFO", "LIB-NAME", OURS),
    ]
    if purpose == "work":  # looking at keys must not make them look used
        commands.append(("CLIENT", "NO-TOUCH", "ON"))
    answers = await wire.ask(commands)
    first = answers[0]
    if isinstance(first, RedisError) and code_of(first) not in ("BUSY", "LOADING"):
        raise first
    seen = read_hello(first)
    user = answers[2].decode("utf-8", "replace") if isinstance(answers[2], bytes) else ""
    return Probe(
        hello=seen,
        info=read_info(answers[3]),
        user=user or parameters.user or "default",
        id=int(seen["id"]) if seen.get("id", "").isdecimal() else 0,
        refusals=tuple(code_of(answer) for answer in answers if isinstance(answer, RedisError)),
    )


def _logins(parameters: Parameters, password: Secret | None) -> tuple[Command, Command]:
    """HELLO with the login in it, and AUTH alone for servers without HELLO; () where there is none."""
    credentials: tuple[str, ...] = ()
    if password is not None or parameters.user:
        credentials = (parameters.user or "default", password.reveal() if password is not None else "")
    if parameters.protocol == 3:
        return ("HELLO", 3, *(("AUTH", *credentials) if credentials else ())), ()
    if not credentials:
        return (), ()
    return (), ("AUTH", *(credentials if parameters.user else credentials[1:]))


def _knows_no_hello(error: BaseException) -> bool:
    said = str(error).lower()
    return isinstance(error, RedisError) and ("unknown command" in said or "noproto" in said)


class Work:
    """The one work session: opened when first used, opened anew when it was lost."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None

    @property
    def current(self) -> Connection | None:
        """The session as it stands; None when there is none."""
        return self._connection

    def use(self, database: str = "") -> AbstractAsyncContextManager[Connection]:
        """The session in `database` ("" is the target's own), for as long as the block lasts.

        Serial: the next user waits. Raises ConnectError when it cannot be opened, QueryError without such a
        database.
        """
        return self._use(database)

    @asynccontextmanager
    async def _use(self, database: str) -> AsyncIterator[Connection]:
        async with self._turn:
            connection = self._connection
            if connection is None or connection.closed:
                self._connection = None
                connection = self._connection = await self._connector.open("work")
            await connection.select(database or self._connector.server.database)
            yield connection


def reply_text(answer: Any) -> str:
    """An answer that is a text, "" for any other."""
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else ""
