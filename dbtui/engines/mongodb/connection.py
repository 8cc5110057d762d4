"""The way to a MongoDB server: its address, the password and the tunnel, and who answers there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pymongo

from dbtui.config import Secret, Target
from dbtui.engines.login import Login
from dbtui.engines.mongodb import client as driver
from dbtui.engines.mongodb.client import Seeds
from dbtui.engines.mongodb.failures import FAILURES, describe_connect
from dbtui.engines.mongodb.location import Location, locate
from dbtui.engines.mongodb.server import Probe, probe_of, server_of
from dbtui.engines.mongodb.session import PLAIN, Connection, Document
from dbtui.engines.tunnel import Tunnelled
from dbtui.errors import ConnectError, UsageError
from dbtui.model.server import Server


class Connector:
    """The way to one server: one client for the monitor and the work, and one for each action."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._client: Any = None
        self._login = Login(target)
        self._tunnelled = Tunnelled(target.ssh)
        self._monitor: Connection | None = None
        self._work: Connection | None = None
        self._opening = asyncio.Lock()
        self._leaving = False

    @property
    def probe(self) -> Probe:
        """As of the newest connection."""
        assert self._monitor is not None, "open() comes first"
        return self._monitor.probe

    @property
    def is_ferretdb(self) -> bool:
        """Whether FerretDB has answered; False before anything has."""
        return self._monitor is not None and self._monitor.probe.product == "FerretDB"

    @property
    def server(self) -> Server:
        """As of the newest connection."""
        assert self._monitor is not None, "open() comes first"
        return self._monitor.server

    @property
    def work(self) -> Connection:
        """What catalog, queries and plans share. Raises ConnectError before anything is connected."""
        if self._work is None:
            raise ConnectError(f"{self.target.name} is not connected", "it is connected again by itself")
        return self._work

    async def connect(self) -> Server:
        """Open a client in place of an older one. Raises ConnectError, AuthenticationError, NoSlotsLeft."""
        async with self._opening:
            self._leaving = False
            client, probe, server = await self._opened()
            self._abandon()
            self._client = client
            self._monitor, self._work = Connection(client, probe, server), Connection(client, probe, server)
            return server

    async def monitor(self) -> Connection:
        """The monitor's connection, opened when there is none."""
        if self._monitor is None or self._client is None:
            await self.connect()
        assert self._monitor is not None
        return self._monitor

    async def act(self) -> Connection:
        """A connection with a client of its own, which the caller closes. Raises ConnectError."""
        return Connection(*await self._opened())

    @contextlib.asynccontextmanager
    async def acting(self) -> AsyncIterator[Connection]:
        """A connection of its own for one approved action. Raises ConnectError."""
        connection = await self.act()
        try:
            yield connection
        finally:
            await connection.close()

    async def close(self) -> None:
        """Leave at once: nothing of it waits for the server."""
        self._leaving = True
        self._abandon()
        self._tunnelled.close()

    def _abandon(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            driver.close(client)

    async def _opened(self) -> tuple[Any, Probe, Server]:
        return await self._login.through(self._opened_with)

    async def _opened_with(self, password: Secret | None) -> tuple[Any, Probe, Server]:
        location = locate(self.target.url)
        near = await self._near_end(location)
        notes = self.target.notes
        if near is not None:
            notes = (*notes, f"through ssh {self.target.ssh}: the first server of the URL alone")
        loop = asyncio.get_running_loop()
        seeds = Seeds(loop, frozenset() if location.srv else frozenset([near] if near else location.hosts))
        arguments = driver.options(self.target.url, location, near, password)
        client: Any = None
        try:
            async with asyncio.timeout(driver.CONNECT_LIMIT * 2):
                client, complaints = await driver.opened(arguments, seeds)
                notes = (*notes, *complaints)
                if near is not None and location.tls:
                    driver.expect_certificate_of(client, location.hosts[0][0])
                answer = await driver.first(self._introduced(client, location, notes), seeds)
        except FAILURES as error:
            driver.close(client)
            raise describe_connect(error, location.place, location.user) from None
        except BaseException:
            driver.close(client)
            raise
        if self._leaving:
            driver.close(client)
            raise ConnectError(f"{self.target.name} is being left", "connect again")
        return (client, *answer)

    async def _near_end(self, location: Location) -> tuple[str, int] | None:
        """Where the tunnel begins, when the target has one."""
        if not self.target.ssh:
            return None
        if location.srv:
            raise UsageError(
                "ssh needs the name of one server", "write mongodb://HOST:PORT/ instead of mongodb+srv://"
            )
        host, port = location.hosts[0]
        if port is None:
            raise UsageError("ssh forwards ports, not sockets", "write mongodb://HOST:PORT/")
        return (await self._tunnelled.ends([(host, port)], timeout=driver.CONNECT_LIMIT * 3))[0]

    async def _introduced(
        self, client: Any, location: Location, notes: tuple[str, ...]
    ) -> tuple[Probe, Server]:
        """Ask the server who it is; a login happens here."""
        with pymongo.timeout(driver.CONNECT_LIMIT):
            ask = _asker(client)
            connection = await ask({"connectionStatus": 1})
            hello = await ask({"hello": 1})
            build = await ask({"buildInfo": 1})
            try:
                status = await ask({"serverStatus": 1, "metrics": 0, "wiredTiger": 0, "tcmalloc": 0})
            except (pymongo.errors.OperationFailure, pymongo.errors.NotPrimaryError):  # of a recovering one
                status = {}
        probe = probe_of(hello, build, connection, place=location.place, database=location.database)
        return probe, server_of(probe, hello, status, notes=notes)


def _asker(client: Any) -> Callable[[Document], Awaitable[dict[str, Any]]]:
    admin = client.get_database("admin")

    async def ask(command: Document) -> dict[str, Any]:
        reply = await admin.command(
            dict(command), read_preference=client.read_preference, codec_options=PLAIN
        )
        return dict(reply)

    return ask
