"""Sessions with a MySQL or MariaDB server: at most three, each serial, read-only unless opened to write.

`Connector` knows the way (options, password, TLS, tunnel) and opens; `Connection` asks one question at a time
and never waits past its timeout; `Work` is the one session that catalog, queries and plans share.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Literal

from dbtui.config import Secret, Target
from dbtui.engines.mysql import options, read_only
from dbtui.engines.mysql.failures import FAILURES, PasswordRefused, code_of, describe, describe_connect
from dbtui.engines.mysql.server import Identity, Probe, door, identify, probe, server
from dbtui.engines.mysql.tls import context
from dbtui.engines.mysql.wire import Answer, Raw
from dbtui.engines.network import look_up
from dbtui.engines.tunnel import Tunnel
from dbtui.errors import AuthenticationError, ConnectError, DbtuiError, QueryTimeout, SessionLost, UsageError
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost

Purpose = Literal["monitor", "work", "act"]

STATEMENT_LIMIT = {"monitor": 15.0, "work": 60.0, "act": 60.0}  # seconds
LOCK_LIMIT = 3  # seconds
_LEEWAY = 1.0  # seconds that an answer may take beyond the server's own limit
_ACTION_LIMIT = 10.0  # seconds to wait for the end of an earlier action
_FAREWELL = 0.3  # seconds for a session to end politely
_KILL = 2.0  # seconds for the end of a statement that took too long
_READ_ONLY = "SET SESSION TRANSACTION READ ONLY"


class Connection:
    """One session. Open it through `Connector.open`. Everything raises the console's own errors only."""

    def __init__(self, raw: Raw, identity: Identity, purpose: Purpose, *, writable: bool) -> None:
        self.raw = raw
        self.identity = identity
        self.purpose = purpose
        self.writable = writable
        self.database = identity.database
        self._turn = asyncio.Lock()
        self._limit = 0.0
        self._statements = 3
        self._seconds = 0.0

    @property
    def closed(self) -> bool:
        """Whether the session has ended, as far as was noticed."""
        return bool(self.raw.closed)

    @property
    def counters(self) -> Cost:
        """The statements this session has run and the time from question to answer, network included."""
        return Cost(self._statements, self._seconds)

    async def ask(self, sql: str, *, timeout: float = 5.0) -> Answer:
        """One statement of the console's own; what a user typed goes through `reading`.

        Raises QueryError, PermissionDenied, QueryTimeout, SessionLost.
        """
        async with self._exclusive(timeout):
            return await self.counted(sql, timeout)

    async def fetch(self, sql: str, *, timeout: float = 5.0) -> list[tuple[str, ...]]:
        """The rows of one statement of the console's own as text; what is NULL is empty."""
        return (await self.ask(sql, timeout=timeout)).texts()

    @asynccontextmanager
    async def reading(self, *, timeout: float, planning: bool = False) -> AsyncIterator[Connection]:
        """A read-only transaction for what a user typed; it is rolled back at the end, whatever happened.

        Inside, `checked` says whether a statement may be sent; `counted` sends it. With `planning` it is for
        one EXPLAIN of a statement that would write, which servers refuse in a read-only transaction.
        """
        async with self._exclusive(timeout):
            await self._set_limit(timeout)
            await self.counted(_READ_ONLY, 5.0)
            await self.counted(f"START TRANSACTION READ {'WRITE' if planning else 'ONLY'}", 5.0)
            try:
                yield self
            except FAILURES as error:
                raise self.described(error) from None
            finally:
                await self._roll_back()

    def checked(self, sql: str) -> str:
        """The statement, when it surely only reads. Raises NotApproved."""
        read_only.check(sql, self.identity.dialect)
        return sql

    async def choose(self, database: str) -> None:
        """Make a database the current one. Raises QueryError, PermissionDenied, SessionLost."""
        async with self._exclusive(5.0):
            try:
                async with asyncio.timeout(5.0):
                    await self.raw.select_db(database)
            except FAILURES as error:
                raise self.described(error) from None
            self.database = database

    async def counted(self, sql: str, timeout: float) -> Answer:
        """Send one statement within a turn, and read its answer. Raises the console's own errors."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout + _LEEWAY):
                return await self.raw.ask(sql)
        except FAILURES as error:
            raise self.described(error, sql) from None
        finally:
            self._statements += 1
            self._seconds += time.monotonic() - started

    def described(self, error: BaseException, sql: str = "") -> DbtuiError:
        """The console's error; a session that is in doubt is dropped."""
        found = describe(error, self.identity.current_user, sql)
        if isinstance(found, SessionLost) or isinstance(error, TimeoutError):
            self.abort()
        return found

    def abort(self) -> None:
        """Drop the session at once; waits for nothing."""
        self.raw.abort()

    async def close(self) -> None:
        """End the session politely within 0.3 s, else drop it; never raises."""
        try:
            async with asyncio.timeout(_FAREWELL):
                if not self._turn.locked():
                    await self.raw.ensure_closed()
        except FAILURES:
            pass
        finally:
            self.abort()

    @asynccontextmanager
    async def _exclusive(self, timeout: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(timeout):
                await self._turn.acquire()
        except TimeoutError:
            what = "an earlier statement of this session still runs"
            raise QueryTimeout(what, "wait for it, or cancel it") from None
        try:
            if self.closed:
                raise SessionLost("the connection to the server is lost", "it is opened again by itself")
            yield
        finally:
            self._turn.release()

    async def _set_limit(self, seconds: float) -> None:
        """Have the server itself end what takes longer; one that cannot is told by our own timeout."""
        if seconds == self._limit:
            return
        self._limit = seconds
        await limit(self.raw, self.identity, seconds)

    async def _roll_back(self) -> None:
        if self.closed:
            return
        try:
            async with asyncio.timeout(_KILL):
                await self.raw.ask("ROLLBACK")
        except (*FAILURES, asyncio.CancelledError) as error:
            self.abort()
            if isinstance(error, asyncio.CancelledError):
                raise


async def limit(raw: Raw, identity: Identity, seconds: float) -> None:
    """A limit for the statements of a session; MySQL has it for SELECT only."""
    if identity.mariadb:
        await raw.ask(f"SET SESSION max_statement_time = {seconds:g}")
        return
    try:
        await raw.ask(f"SET SESSION max_execution_time = {int(seconds * 1000)}")
    except FAILURES as error:
        if code_of(error) != 1193:  # a product without it
            raise


class Connector:
    """The way to one server. At most one session of each purpose is open."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._parameters: options.Parameters | None = None
        self._tunnel: Tunnel | None = None
        self._prompted: Secret | None = None
        self._sessions: dict[Purpose, Connection] = {}
        self._leaving = False
        self._door = ""
        self._opening = {purpose: asyncio.Lock() for purpose in STATEMENT_LIMIT}
        self._digging = asyncio.Lock()
        self._waiting: Connection | None = None
        self._probe: Probe | None = None
        self._server: Server | None = None

    @property
    def probe(self) -> Probe:
        """Of the newest monitor session."""
        assert self._probe is not None, "open() comes first"
        return self._probe

    @property
    def server(self) -> Server:
        """As the newest monitor session saw it."""
        assert self._server is not None, "open() comes first"
        return self._server

    @property
    def own_ids(self) -> frozenset[int]:
        """The connection ids of the console's own sessions."""
        return frozenset(session.identity.id for session in self._sessions.values())

    async def connect(self) -> Server:
        """Open the monitor session, which the first `open("monitor")` then hands out. Raises ConnectError."""
        self._leaving = False
        self._waiting = await self._fresh("monitor", "", writable=False)
        return self.server

    async def open(self, purpose: Purpose, *, database: str = "", writable: bool = False) -> Connection:
        """A new session in place of an older one of the same purpose, so there are never more than three.

        An older monitor or work session is dropped; the end of an action is waited for, at most 10 s.
        Raises ConnectError, AuthenticationError, NoSlotsLeft.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is not None and purpose == "monitor" and not waiting.closed:
            return waiting
        self._waiting = waiting if purpose != "monitor" else None
        return await self._fresh(purpose, database, writable=writable)

    async def kill_statement(self, id_: int) -> None:
        """Stop what a session of our own runs, over a connection of its own; never raises, at most 2 s."""
        with contextlib.suppress(*FAILURES, DbtuiError):
            async with asyncio.timeout(_KILL):
                raw = await self._dial("", await self._password())
                try:
                    await raw.ask(f"KILL QUERY {id_}")
                finally:
                    raw.abort()

    async def close(self) -> None:
        """End all sessions and the tunnel, also one that is just being opened; waits at most half a second."""
        self._leaving = True
        sessions = list(self._sessions.values())
        self._sessions.clear()
        await asyncio.gather(*(session.close() for session in sessions))
        if self._tunnel is not None:
            self._tunnel.close()
            self._tunnel = None

    # ---- inside

    async def _fresh(self, purpose: Purpose, database: str, *, writable: bool) -> Connection:
        async with self._opening[purpose]:
            await self._make_room(purpose)
            connection = await self._open(purpose, database, writable)
            if self._leaving:
                connection.abort()
                raise ConnectError("the console is leaving")
            self._sessions[purpose] = connection
        return connection

    async def _make_room(self, purpose: Purpose) -> None:
        older = self._sessions.get(purpose)
        if older is None:
            return
        if purpose != "act":
            older.abort()
            return
        end = time.monotonic() + _ACTION_LIMIT
        while not older.closed:
            if time.monotonic() > end:
                raise ConnectError("an earlier action still runs", "wait for its end")
            await asyncio.sleep(0.02)

    async def _open(self, purpose: Purpose, database: str, writable: bool) -> Connection:
        if self._parameters is None:
            self._parameters = options.parameters(self.target.url)
        parameters = self._parameters
        raw = await self._logged_in(database)
        try:
            async with asyncio.timeout(parameters.connect_timeout):
                identity = await identify(raw)
                connection = Connection(raw, identity, purpose, writable=writable)
                await self._settle(raw, identity, purpose, writable)
                if purpose == "monitor":
                    await self._look(raw, identity, parameters)
        except BaseException as error:
            raw.abort()
            if isinstance(error, (*FAILURES, ValueError)):
                raise describe_connect(
                    error, parameters.address, parameters.user, parameters.database
                ) from None
            raise
        return connection

    async def _look(self, raw: Raw, identity: Identity, parameters: options.Parameters) -> None:
        self._probe = await probe(raw, identity, parameters)
        pooler = "proxy" if raw.thread_id() != identity.id & 0xFFFFFFFF else ""
        notes = (*self.target.notes, *parameters.notes)
        self._server = server(self._probe, parameters, pooler=pooler, notes=notes)
        self._door = door(self._probe, parameters)

    async def _settle(self, raw: Raw, identity: Identity, purpose: Purpose, writable: bool) -> None:
        """Make the session what its purpose needs: read-only, and never waiting for long."""
        settings = [f"lock_wait_timeout = {LOCK_LIMIT}", "autocommit = 1"]
        if purpose == "monitor":
            settings += ["time_zone = 'SYSTEM'", "group_concat_max_len = 67108864", "sql_mode = ''"]
        await raw.ask("SET SESSION " + ", SESSION ".join(settings))
        await limit(raw, identity, STATEMENT_LIMIT[purpose])
        if not writable:
            await raw.ask(_READ_ONLY)

    async def _logged_in(self, database: str) -> Raw:
        password = await self._password()
        kept, self._prompted = self._prompted, None
        try:
            raw = await self._dial(database, password or kept)
        except PasswordRefused:
            if password is not None or self.target.prompt is None:
                raise
            kept = await self.target.prompt()
            if kept is None:
                what = f"no password was given for {self.target.name}"
                raise AuthenticationError(what, "give one to connect") from None
            raw = await self._dial(database, kept)
        self._prompted = kept
        return raw

    async def _password(self) -> Secret | None:
        own = await self.target.password() if self.target.password is not None else None
        return own or (self._parameters.password if self._parameters else None)

    async def _dial(self, database: str, password: Secret | None) -> Raw:
        parameters = self._parameters
        assert parameters is not None
        tls = context(parameters.tls, parameters.host) if not parameters.socket else None
        await self._dig(parameters)
        failure: BaseException | None = None
        try:
            async with asyncio.timeout(parameters.connect_timeout):
                places = await self._places(parameters)
        except FAILURES as error:
            raise self._unreached(error, parameters) from None
        for host, port in places:
            raw = Raw(
                host=host,
                port=port,
                socket=parameters.socket,
                user=parameters.user,
                password=password,
                database=database or parameters.database,
                tls=tls,
                tls_required=parameters.tls.mode not in ("DISABLED", "PREFERRED"),
            )
            try:
                async with asyncio.timeout(parameters.connect_timeout):
                    await raw.open()
            except FAILURES as error:
                raw.abort()
                failure = failure or error
                if code_of(error) not in (0, 2003):
                    break  # the server itself refused
            else:
                return raw
        assert failure is not None
        raise self._unreached(
            failure, replace(parameters, database=database or parameters.database)
        ) from None

    def _unreached(self, error: BaseException, parameters: options.Parameters) -> DbtuiError:
        return describe_connect(error, parameters.address, parameters.user, parameters.database, self._door)

    async def _places(self, parameters: options.Parameters) -> list[tuple[str, int]]:
        """What to dial: the socket, the tunnel's end, or the IP addresses of the host."""
        if self._tunnel is not None:
            return list(self._tunnel.ends)
        if parameters.socket:
            return [("localhost", 0)]
        return [(ip, parameters.port) for ip in await look_up(parameters.host, parameters.port)]

    async def _dig(self, parameters: options.Parameters) -> None:
        """The tunnel, when the target has one and it does not stand."""
        async with self._digging:
            if not self.target.ssh or (self._tunnel is not None and self._tunnel.alive):
                return
            if parameters.socket:
                raise UsageError(
                    "a tunnel leads to a host and port", "name the host as the other end sees it"
                )
            if self._tunnel is not None:
                self._tunnel.close()
            place = (parameters.host, parameters.port)
            self._tunnel = await Tunnel.open(self.target.ssh, [place], timeout=parameters.connect_timeout * 3)


class Work:
    """The one work session: opened when first used, opened anew for another database or when it was lost."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None

    def use(self, database: str = "") -> AbstractAsyncContextManager[Connection]:
        """The session in `database` ("" is the target's own, where it has one), for as long as the block lasts.

        Serial: the next user waits. Raises ConnectError when it cannot be opened, PermissionDenied or QueryError
        for a database that cannot be used.
        """
        return self._use(database)

    @asynccontextmanager
    async def _use(self, database: str) -> AsyncIterator[Connection]:
        async with self._turn:
            wanted = database or self._connector.server.database
            connection = self._connection
            if connection is None or connection.closed:
                self._connection = None
                connection = await self._connector.open("work", database=wanted)
                self._connection = connection
            if wanted and connection.database != wanted:
                await connection.choose(wanted)
            yield connection
