"""The way to a server, and the at most three sessions that it has: monitor, work and act.

`Connector` knows the way (URL, password, TLS, tunnel) and opens sessions; each is a `Connection`.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace

from dbtui.config import Secret, Target
from dbtui.engines.connector import BaseConnector
from dbtui.engines.network import look_up
from dbtui.engines.redis import tls
from dbtui.engines.redis.address import Parameters, read
from dbtui.engines.redis.failures import FAILURES, code_of, described_connect
from dbtui.engines.redis.server import Probe, read_hello, read_info, server
from dbtui.engines.redis.session import Connection
from dbtui.engines.redis.wire import Command, RedisError, Wire
from dbtui.engines.slots import Purpose
from dbtui.engines.work import Work
from dbtui.errors import ConnectError

__all__ = ["Connection", "Connector"]

OURS = "dbtui"  # CLIENT SETNAME of the console's own sessions


class Connector(BaseConnector[Connection]):
    """The way to one server. At most one session of each purpose is open."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._parameters: Parameters | None = None

    def work(self) -> Work[Connection]:
        """The session that catalog and queries share. `use` raises QueryError for a database that there is not."""

        async def turned(connection: Connection, database: str) -> bool:
            await connection.select(database or self.server.database)
            return True

        async def opening(database: str) -> Connection:
            connection = await self.open("work")
            await turned(connection, database)
            return connection

        return Work(opening, turned)

    # ---- inside

    async def _open(self, purpose: Purpose) -> Connection:
        if self._parameters is None:
            self._parameters = read(self.target.url)
        connection = await self._login.through(lambda password: self._reach(purpose, password))
        if purpose == "monitor":
            self._server = connection.server
        return connection

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
        if not self.target.ssh:
            return parameters.host, parameters.port
        if parameters.path:
            raise ConnectError(
                "a socket cannot be reached through ssh", "give the host and port of the server"
            )
        place = (parameters.host, parameters.port)
        return (await self._tunnelled.ends([place], timeout=parameters.connect_timeout * 2))[0]


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
