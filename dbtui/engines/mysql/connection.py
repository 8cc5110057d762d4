"""Sessions with a MySQL or MariaDB server: at most three, each serial, read-only unless opened to write.

`Connector` knows the way (options, password, TLS, tunnel) and opens; `Connection` asks one question at a time
and never waits past its timeout.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from dbtui.config import Secret, Target
from dbtui.engines.connector import BaseConnector
from dbtui.engines.mysql import options, read_only
from dbtui.engines.mysql.failures import FAILURES, code_of, describe, describe_connect
from dbtui.engines.mysql.server import Identity, Probe, door, identify, probe, server
from dbtui.engines.mysql.tls import context
from dbtui.engines.mysql.wire import CHANGES, OURS, Answer, Raw
from dbtui.engines.network import look_up
from dbtui.engines.slots import Purpose
from dbtui.engines.work import Work
from dbtui.errors import ConnectError, DbtuiError, NoSlotsLeft, QueryTimeout, SessionLost, UsageError
from dbtui.model.snapshot import Cost

STATEMENT_LIMIT: dict[Purpose, float] = {"monitor": 15.0, "work": 60.0, "act": 60.0, "run": 0.0}  # seconds
LOCK_LIMIT = 3  # seconds
_LEEWAY = 1.0  # seconds that an answer may take beyond the server's own limit
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
        self._ended = asyncio.Event()
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
        self._ended.set()

    async def ended(self) -> None:
        """Return when the session has been closed or dropped."""
        await self._ended.wait()

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
        try:
            async with asyncio.timeout(_KILL):
                await limit(self.raw, self.identity, seconds)
        except FAILURES as error:
            raise self.described(error) from None
        self._limit = seconds

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


class Connector(BaseConnector[Connection]):
    """The way to one server. At most one session of each purpose is open."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._parameters: options.Parameters | None = None
        self._door = ""
        self._probe: Probe | None = None

    @property
    def probe(self) -> Probe:
        """Of the newest monitor session."""
        assert self._probe is not None, "open() comes first"
        return self._probe

    @property
    def known(self) -> Probe | None:
        """The same, None before the first connection."""
        return self._probe

    @property
    def own_ids(self) -> frozenset[int]:
        """The connection ids of the console's own sessions, without those that change something: others may wait
        behind these, and they can be cancelled.
        """
        return frozenset(s.identity.id for s in self._slots.sessions if not s.writable)

    async def open(self, purpose: Purpose, *, database: str = "", writable: bool = False) -> Connection:
        """A new session: see `Slots.open`. Raises ConnectError, AuthenticationError, NoSlotsLeft."""
        return await self._slots.open(purpose, lambda: self._open(purpose, database, writable=writable))

    def work(self) -> Work[Connection]:
        """The session that catalog, queries and plans share.

        `use` raises PermissionDenied or QueryError for a database that cannot be used.
        """

        async def opening(database: str) -> Connection:
            return await self.open("work", database=database or self.server.database)

        async def turned(connection: Connection, database: str) -> bool:
            wanted = database or self.server.database
            if wanted and connection.database != wanted:
                await connection.choose(wanted)
            return True

        return Work(opening, turned)

    async def kill_statement(self, id_: int) -> None:
        """Stop what a session of our own runs, over a connection of its own; never raises, at most 2 s."""
        with contextlib.suppress(*FAILURES, DbtuiError):
            async with asyncio.timeout(_KILL):
                raw, _ = await self._dial_or_door("", await self._login.known(self._password), OURS)
                try:
                    await raw.ask(f"KILL QUERY {id_}")
                finally:
                    raw.abort()

    # ---- inside

    async def _open(self, purpose: Purpose, database: str = "", *, writable: bool = False) -> Connection:
        if self._parameters is None:
            self._parameters = options.parameters(self.target.url)
        parameters = self._parameters
        program = CHANGES if writable else OURS
        raw, doorway = await self._login.through(
            lambda p: self._dial_or_door(database, p, program), self._password
        )
        try:
            async with asyncio.timeout(parameters.connect_timeout):
                identity = await identify(raw)
                connection = Connection(raw, identity, purpose, writable=writable)
                await self._settle(raw, identity, purpose, writable)
                if purpose == "monitor":
                    await self._look(raw, identity, parameters, doorway)
        except BaseException as error:
            raw.abort()
            if isinstance(error, (*FAILURES, ValueError)):
                raise describe_connect(
                    error, parameters.address, parameters.user, parameters.database
                ) from None
            raise
        return connection

    async def _look(
        self, raw: Raw, identity: Identity, parameters: options.Parameters, doorway: tuple[str, ...]
    ) -> None:
        self._probe = await probe(raw, identity, parameters)
        pooler = "proxy" if raw.thread_id() != identity.id & 0xFFFFFFFF else ""
        notes = (*self.target.notes, *doorway, *parameters.notes)
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

    @property
    def _password(self) -> Secret | None:
        return self._parameters.password if self._parameters is not None else None

    async def _dial_or_door(
        self, database: str, password: Secret | None, program: str
    ) -> tuple[Raw, tuple[str, ...]]:
        """A session, through the door that the URL names when the ordinary slots are taken; a note that says so."""
        parameters = self._parameters
        assert parameters is not None
        try:
            return await self._dial(parameters, database, password, program), ()
        except NoSlotsLeft as full:
            door = parameters.through_the_door()
            if door is None or self.target.ssh:  # the tunnel leads to one port
                raise
            try:
                raw = await self._dial(door, database, password, program)
            except ConnectError as error:
                hint = f"nor through the door that the URL names: {error.message}"
                raise NoSlotsLeft(full.message, hint) from None
            return raw, (f"all ordinary slots are taken: connected through the door at {door.address}",)

    async def _dial(
        self, parameters: options.Parameters, database: str, password: Secret | None, program: str
    ) -> Raw:
        tls = context(parameters.tls, parameters.host) if not parameters.socket else None
        failure: BaseException | None = None
        for host, port in await self._places(parameters):
            raw = Raw(
                host=host,
                port=port,
                socket=parameters.socket,
                user=parameters.user,
                password=password,
                database=database or parameters.database,
                tls=tls,
                tls_required=parameters.tls.mode not in ("DISABLED", "PREFERRED"),
                program=program,
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
        if self.target.ssh:
            if parameters.socket:
                raise UsageError(
                    "a tunnel leads to a host and port", "name the host as the other end sees it"
                )
            place = (parameters.host, parameters.port)
            return await self._tunnelled.ends([place], timeout=parameters.connect_timeout * 3)
        if parameters.socket:
            return [("localhost", 0)]
        try:
            async with asyncio.timeout(parameters.connect_timeout):
                return [(ip, parameters.port) for ip in await look_up(parameters.host, parameters.port)]
        except FAILURES as error:
            raise self._unreached(error, parameters) from None
