"""The way to a MongoDB server: the one module that knows the driver, motor.

Motor runs pymongo's blocking calls in threads. A call that waits for a dead server cannot be interrupted, so the
threads are daemons that nobody waits for, and every call has a deadline of its own (`pymongo.timeout`, which the
server gets as maxTimeMS too). Moving to pymongo's native async client changes this module alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pymongo
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument
from motor import motor_asyncio
from motor.frameworks import asyncio as motor_threads
from pymongo import monitoring

from dbtui.config import Secret, Target
from dbtui.engines.login import Login
from dbtui.engines.mongodb.failures import FAILURES, describe, describe_connect
from dbtui.engines.mongodb.location import Location, locate
from dbtui.engines.mongodb.server import Probe, probe_of, server_of
from dbtui.engines.mongodb.threads import DaemonThreads
from dbtui.engines.tunnel import Tunnelled
from dbtui.errors import ConnectError, QueryError, UsageError
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost

APPLICATION = "dbtui"  # appName of the console's own connections
CONNECT_LIMIT = 6.0  # seconds
_THREADS = 32  # those that wait for a dead server are of no use until their time is up
_DECODING: Mapping[str, Any] = {
    "tz_aware": True,
    "unicode_decode_error_handler": "replace",  # keys and texts that are not UTF-8 must not cost the rest
    "datetime_conversion": DatetimeConversion.DATETIME_AUTO,  # years that Python does not have
}
_PLAIN: CodecOptions[dict[str, Any]] = CodecOptions(document_class=dict, **_DECODING)
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument, **_DECODING)

Document = Mapping[str, Any]


_EXECUTOR = DaemonThreads(_THREADS)
motor_threads._EXECUTOR = _EXECUTOR  # type: ignore[assignment]


class _Seeds(monitoring.ServerHeartbeatListener):
    """Notices when every server of the URL has failed, so that nobody waits for the driver to give up."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seeds: frozenset[tuple[str, int | None]]) -> None:
        self._loop = loop
        self._failures: dict[tuple[str, int | None], BaseException] = {}
        self._seeds = seeds
        self.hopeless: asyncio.Future[BaseException] = loop.create_future()

    def started(self, event: monitoring.ServerHeartbeatStartedEvent) -> None:
        """Nothing is known yet."""

    def succeeded(self, event: monitoring.ServerHeartbeatSucceededEvent) -> None:
        """One that answers is enough to go on waiting."""
        self._seeds = frozenset()

    def failed(self, event: monitoring.ServerHeartbeatFailedEvent) -> None:
        self._failures[event.connection_id] = event.reply
        if self._seeds and self._seeds <= self._failures.keys() and not self._loop.is_closed():
            error = next(iter(self._failures.values()))
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._settle, error)

    def _settle(self, error: BaseException) -> None:
        if not self.hopeless.done():
            self.hopeless.set_result(error)


class Connection:
    """One purpose's use of a client: serial, with a time limit on everything. Raises the console's errors only."""

    def __init__(self, client: Any, probe: Probe, server: Server) -> None:
        self.probe = probe
        self.server = server
        self._client = client
        self._turn = asyncio.Lock()
        self._statements = 0
        self._seconds = 0.0

    @property
    def counters(self) -> Cost:
        """The commands of this connection and the time from question to answer, network included."""
        return Cost(self._statements, self._seconds)

    async def command(
        self, command: Document, *, database: str = "admin", timeout: float = 5.0, role: str = ""
    ) -> dict[str, Any]:
        """The reply of one command of the console's own. `role` is what it needs, for the remedy.

        Raises QueryError, PermissionDenied, QueryTimeout, SessionLost.
        """
        async with self._turn:
            reply = await self._call(self._database(database).command, command, _PLAIN, timeout, role)
        return dict(reply)

    async def documents(
        self,
        command: Document,
        *,
        database: str = "admin",
        timeout: float = 5.0,
        most: int = 10_000,
        role: str = "",
    ) -> list[dict[str, Any]]:
        """At most `most` documents of a command that answers with a cursor, decoded whole."""
        async with self._turn:
            cursor = await self._call(self._database(database).cursor_command, command, _PLAIN, timeout, role)
            try:
                found = await self._limited(cursor.to_list(most), timeout, role)
            finally:
                self._drop(cursor)
        return [dict(document) for document in found]

    async def cursor(self, command: Document, *, database: str, timeout: float) -> Batches:
        """A cursor over raw documents, for what a user typed. Not serial: it has a socket of its own."""
        cursor = await self._call(
            self._database(database, _RAW).cursor_command, command, _RAW, timeout, "read"
        )
        return Batches(self, cursor)

    async def reply(self, command: Document, *, database: str, timeout: float) -> dict[str, Any]:
        """The reply of a command that a user typed; not serial."""
        return dict(await self._call(self._database(database).command, command, _PLAIN, timeout, "read"))

    async def close(self) -> None:
        """End the client that it uses, with all that use it; waits for nothing."""
        _close(self._client)

    # ---- inside

    def _database(self, name: str, codec: CodecOptions[Any] = _PLAIN) -> Any:
        """A database; what its cursors return is decoded by `codec`."""
        try:
            return self._client.get_database(name, codec_options=codec)
        except FAILURES as error:
            raise QueryError(f"no database is called {name!r}", str(error)) from None

    async def _call(
        self,
        call: Callable[..., Awaitable[Any]],
        command: Document,
        codec: CodecOptions[Any],
        timeout: float,
        role: str,
    ) -> Any:
        preference = self._client.read_preference
        with pymongo.timeout(timeout):
            return await self._limited(
                call(dict(command), read_preference=preference, codec_options=codec), timeout, role
            )

    async def _limited(self, question: Awaitable[Any], timeout: float, role: str) -> Any:
        """Await a call of motor, count it, and translate what it raises. The thread has the same deadline."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(timeout + 1.0):
                return await question
        except FAILURES as error:
            raise describe(error, user=self.probe.user, role=role) from None
        finally:
            self._statements += 1
            self._seconds += time.monotonic() - began

    def _drop(self, cursor: Any) -> None:
        """Close a cursor at the server without waiting for it."""
        if cursor.alive:
            closing = asyncio.ensure_future(cursor.close())
            closing.add_done_callback(_heard)


class Batches:
    """The documents of one cursor, a batch at a time."""

    def __init__(self, connection: Connection, cursor: Any) -> None:
        self._connection = connection
        self._cursor = cursor

    @property
    def more(self) -> bool:
        """Whether the server may have further documents."""
        return bool(self._cursor.alive)

    async def next(self, count: int, timeout: float) -> list[RawBSONDocument]:
        """Up to `count` documents, none at the end."""
        with pymongo.timeout(timeout):
            found = await self._connection._limited(self._cursor.to_list(count), timeout, "read")
        return list(found)

    def close(self) -> None:
        """Drop what is left, without waiting."""
        self._connection._drop(self._cursor)


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
            _close(client)

    async def _opened(self) -> tuple[Any, Probe, Server]:
        return await self._login.through(self._opened_with)

    async def _opened_with(self, password: Secret | None) -> tuple[Any, Probe, Server]:
        location = locate(self.target.url)
        near = await self._near_end(location)
        notes = self.target.notes
        if near is not None:
            notes = (*notes, f"through ssh {self.target.ssh}: the first server of the URL alone")
        loop = asyncio.get_running_loop()
        seeds = _Seeds(loop, frozenset() if location.srv else frozenset([near] if near else location.hosts))
        options = _options(self.target.url, location, near, password)
        client: Any = None
        try:
            async with asyncio.timeout(CONNECT_LIMIT * 2):
                made = await loop.run_in_executor(_EXECUTOR, lambda: _client(options, seeds, loop))
                client, notes = made[0], (*notes, *made[1])
                if near is not None and location.tls:
                    _expect_certificate_of(client, location.hosts[0][0])
                answer = await _first(self._introduced(client, location, notes), seeds)
        except FAILURES as error:
            _close(client)
            raise describe_connect(error, location.place, location.user) from None
        except BaseException:
            _close(client)
            raise
        if self._leaving:
            _close(client)
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
        return (await self._tunnelled.ends([(host, port)], timeout=CONNECT_LIMIT * 3))[0]

    async def _introduced(
        self, client: Any, location: Location, notes: tuple[str, ...]
    ) -> tuple[Probe, Server]:
        """Ask the server who it is; a login happens here."""
        with pymongo.timeout(CONNECT_LIMIT):
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


def _client(
    options: Mapping[str, Any], seeds: _Seeds, loop: asyncio.AbstractEventLoop
) -> tuple[Any, tuple[str, ...]]:
    """A client, and what the driver does not like about the URL, which it would print over the console."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        client = motor_asyncio.AsyncIOMotorClient(**options, event_listeners=[seeds], io_loop=loop)
    return client, tuple(str(one.message) for one in said if issubclass(one.category, UserWarning))


def _asker(client: Any) -> Callable[[Document], Awaitable[dict[str, Any]]]:
    admin = client.get_database("admin")

    async def ask(command: Document) -> dict[str, Any]:
        reply = await admin.command(
            dict(command), read_preference=client.read_preference, codec_options=_PLAIN
        )
        return dict(reply)

    return ask


def _options(
    url: str, location: Location, near: tuple[str, int] | None, password: Secret | None
) -> dict[str, Any]:
    """Arguments of the client."""
    options: dict[str, Any] = {
        "host": url,
        "appname": APPLICATION,
        "retryReads": False,
        "retryWrites": False,
        "serverMonitoringMode": "poll",  # one connection less for each server
        "connectTimeoutMS": int(CONNECT_LIMIT * 500),
        "serverSelectionTimeoutMS": int(CONNECT_LIMIT * 1000),
    }
    if "readpreference" not in location.options:
        options["readPreference"] = "primaryPreferred"
    if password is not None:
        options["password"] = password.reveal()
    if near is not None:
        options |= {"host": location.through(*near), "directConnection": True}
    return options


class _NamedContext(ssl.SSLContext):
    """A context that names the server it wants, whatever is dialled."""

    wanted = ""

    def wrap_socket(self, *args: Any, **more: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**more, "server_hostname": self.wanted})


def _expect_certificate_of(client: Any, host: str) -> None:
    """Behind a tunnel the driver would look for the certificate of 127.0.0.1."""
    context = client.delegate.options.pool_options._ssl_context
    if isinstance(context, ssl.SSLContext):
        context.__class__ = _NamedContext
        context.wanted = host  # type: ignore[attr-defined]


async def _first(introduction: Awaitable[tuple[Probe, Server]], seeds: _Seeds) -> tuple[Probe, Server]:
    """What the server says, or the failure of all servers of the URL, whichever comes first."""
    task = asyncio.ensure_future(introduction)
    try:
        ends: set[asyncio.Future[Any]] = {task, seeds.hopeless}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise seeds.hopeless.result()
        return task.result()
    finally:
        if not task.done():
            task.cancel()
        task.add_done_callback(_heard)
        seeds.hopeless.cancel()


def _close(client: Any) -> None:
    """Close a client in a thread: the driver says goodbye to the server, which may not listen."""
    if client is not None:
        _EXECUTOR.submit(client.delegate.close)


def _heard(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()
