"""Sessions with a PostgreSQL server: at most three, each serial, read-only unless opened to write.

`Connector` knows the way (libpq's parameters, password, tunnel, pooler) and opens; `Connection` asks one
question at a time, never waits past its timeout and never stays inside a transaction; `Work` is the one
session that catalog, queries and plans share.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal

import asyncpg
from asyncpg import connect_utils

from dbtui.config import Secret, Target
from dbtui.engines.postgres import libpq
from dbtui.engines.postgres.dial import Dialled, dial
from dbtui.engines.postgres.failures import FAILURES, PasswordRefused, describe, describe_connect
from dbtui.engines.postgres.libpq import Address
from dbtui.engines.postgres.server import Probe, probe, server
from dbtui.engines.tunnel import Tunnel
from dbtui.errors import AuthenticationError, ConnectError, DbtuiError, QueryTimeout, SessionLost
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost

__all__ = ["Connection", "Connector", "Probe", "Purpose", "Work", "describe"]

Purpose = Literal["monitor", "work", "act"]

STATEMENT_LIMIT = {
    "monitor": 15,
    "work": 60,
    "act": 60,
}  # seconds; longer ones run in a transaction of their own
LOCK_LIMIT = 3.0  # seconds
IDLE_LIMIT = 60  # seconds inside a transaction
_PING = 2.0  # seconds for a server to show that it is there after a question went unanswered
_ACTION_LIMIT = 10.0  # seconds to wait for the end of an earlier action
_FAREWELL = 0.3  # seconds for a session to end politely


class Connection:
    """One session. Open it through `Connector.open`. Everything raises the console's own errors only."""

    def __init__(
        self,
        dialled: Dialled,
        probe: Probe,
        server: Server,
        purpose: Purpose,
        *,
        pooled: bool,
        writable: bool,
    ) -> None:
        self.purpose = purpose
        self.database = probe.database
        self.pooled = pooled
        self.probe = probe
        self.server = server
        self.tls = dialled.tls
        self.writable = writable
        self._raw = dialled.raw
        self._turn = asyncio.Lock()
        self._held: dict[str, Any] = {}
        self._doubtful = False
        self._statements = 1  # the probe
        self._seconds = 0.0
        self._ended = asyncio.Event()
        self._raw.add_termination_listener(lambda _raw: self._ended.set())

    @property
    def closed(self) -> bool:
        """Whether the session has ended, by whichever side."""
        return bool(self._raw.is_closed())

    @property
    def pid(self) -> int:
        """The server process; behind a pooler, the one that served the first question."""
        return self.probe.pid

    @property
    def counters(self) -> Cost:
        """The statements this session has run and the time from question to answer, network included."""
        return Cost(self._statements, self._seconds)

    async def fetch(
        self, sql: str, *args: object, timeout: float = 5.0, hold: bool = False
    ) -> list[asyncpg.Record]:
        """The rows of one statement of the console's own; what a user typed goes through `reading`.

        `hold` keeps the statement prepared, so that it costs one round trip from its second run on; it is for
        few and constant texts. Raises QueryError, PermissionDenied, QueryTimeout, SessionLost.
        """
        async with self._exclusive(timeout):
            if self.pooled or timeout > STATEMENT_LIMIT[self.purpose]:
                async with self._transaction(timeout, LOCK_LIMIT):
                    return await self._run(sql, args, timeout)
            if hold:
                return await self._run_held(sql, args, timeout)
            return await self._run(sql, args, timeout)

    async def fetchval(self, sql: str, *args: object, timeout: float = 5.0) -> Any:
        """The first column of the first row, None without one."""
        rows = await self.fetch(sql, *args, timeout=timeout)
        return rows[0][0] if rows else None

    async def execute(self, sql: str, *, timeout: float = 60.0) -> str:
        """Run statements by the simple protocol, on a session opened to write. The last one's status."""
        assert self.writable, "only a session opened with writable=True executes"
        async with self._exclusive(timeout):
            return str(await self._counted(self._raw.execute(sql, timeout=timeout)))

    @asynccontextmanager
    async def reading(
        self, *, timeout: float, lock_timeout: float = LOCK_LIMIT
    ) -> AsyncIterator[asyncpg.Connection]:
        """A read-only transaction for what a user typed; it is rolled back at the end, whatever happened.

        Inside, use `fetch`, `prepare` and `cursor` of asyncpg, which take one statement; `execute` takes
        several, among them COMMIT, and is never for a user's text. `read_only.check` sees every statement and
        raises NotApproved for what a read-only transaction would let through.
        """
        async with self._exclusive(timeout), self._transaction(timeout, lock_timeout):
            self._raw.guarded = True
            self._statements += 1
            started = time.monotonic()
            try:
                yield self._raw
            except FAILURES as error:
                raise self._described(error) from None
            finally:
                self._raw.guarded = False
                self._seconds += time.monotonic() - started

    async def cancel(self) -> None:
        """Ask the server to stop what runs here, over a connection of its own; never raises, at most 2 s."""
        raw = self._raw
        with contextlib.suppress(*FAILURES, asyncio.CancelledError):
            async with asyncio.timeout(_PING):
                await connect_utils._cancel(
                    loop=asyncio.get_running_loop(),
                    addr=raw._addr,
                    params=raw._params,
                    backend_pid=raw._protocol.backend_pid,
                    backend_secret=raw._protocol.backend_secret,
                )

    async def ended(self) -> None:
        """Return when the session has ended, by whichever side."""
        if not self.closed:
            await self._ended.wait()

    def abort(self) -> None:
        """Drop the session at once; waits for nothing."""
        self._held.clear()
        self._raw.terminate()

    async def close(self) -> None:
        """End the session politely within 0.3 s, else drop it; never raises."""
        if self.closed:
            return
        try:
            async with asyncio.timeout(_FAREWELL):
                if self._turn.locked():
                    await self.cancel()
                await self._raw.close(timeout=_FAREWELL)
        except FAILURES:
            pass
        finally:
            self.abort()

    # ---- inside

    @asynccontextmanager
    async def _exclusive(self, timeout: float) -> AsyncIterator[None]:
        """Wait for the turn; make sure that the server is there when the last question went unanswered."""
        try:
            async with asyncio.timeout(timeout):
                await self._turn.acquire()
        except TimeoutError:
            raise QueryTimeout(
                "an earlier statement of this session still runs", "wait for it, or cancel it"
            ) from None
        try:
            if self.closed:
                raise SessionLost("the connection to the server is lost", "it is opened again by itself")
            if self._doubtful:
                await self._ping()
            yield
        finally:
            self._turn.release()

    async def _ping(self) -> None:
        try:
            await self._raw.execute("SELECT 1", timeout=_PING)
        except FAILURES as error:
            self.abort()
            raise SessionLost(
                "the server does not answer", "the connection is opened again by itself"
            ) from error
        self._doubtful = False

    @asynccontextmanager
    async def _transaction(self, timeout: float, lock_timeout: float) -> AsyncIterator[None]:
        """BEGIN READ ONLY and one SELECT, after which SET TRANSACTION READ WRITE is refused."""
        milliseconds = {"statement_timeout": timeout, "lock_timeout": min(lock_timeout, timeout)}
        limits = ", ".join(
            f"set_config('{name}', '{int(value * 1000)}', true)" for name, value in milliseconds.items()
        )
        begin = (
            "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; "
            f"SELECT {limits}, set_config('idle_in_transaction_session_timeout', '{IDLE_LIMIT * 1000}', true)"
        )
        try:
            await self._counted(self._raw.execute(begin, timeout=min(timeout, 5.0)))
            yield
        finally:
            await self._roll_back()

    async def _roll_back(self) -> None:
        if self.closed:
            return
        try:
            await self._raw.execute("ROLLBACK", timeout=_PING)
        except (*FAILURES, asyncio.CancelledError) as error:
            self.abort()
            if isinstance(error, asyncio.CancelledError):
                raise

    async def _run(self, sql: str, args: tuple[object, ...], timeout: float) -> list[asyncpg.Record]:
        return list(await self._counted(self._raw.fetch(sql, *args, timeout=timeout)))

    async def _run_held(self, sql: str, args: tuple[object, ...], timeout: float) -> list[asyncpg.Record]:
        statement = self._held.get(sql)
        if statement is not None:
            try:
                return list(await self._counted(statement.fetch(*args, timeout=timeout), stale=True))
            except (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError):
                del self._held[sql]  # a relation changed
            except asyncpg.InvalidSQLStatementNameError:
                self._held.clear()  # DEALLOCATE ALL, or a pooler that was not known for one
        name = f"dbtui_{len(self._held)}_{time.monotonic_ns()}"
        statement = await self._counted(self._raw.prepare(sql, name=name, timeout=timeout), count=0)
        self._held[sql] = statement
        return list(await self._counted(statement.fetch(*args, timeout=timeout)))

    async def _counted(self, question: Any, *, count: int = 1, stale: bool = False) -> Any:
        """Await a call of asyncpg, count it, and translate what it raises."""
        started = time.monotonic()
        try:
            return await question
        except (asyncpg.InvalidCachedStatementError, asyncpg.InvalidSQLStatementNameError) as error:
            if stale:
                raise
            raise self._described(error) from None
        except FAILURES as error:
            raise self._described(error) from None
        finally:
            self._statements += count
            self._seconds += time.monotonic() - started

    def _described(self, error: BaseException) -> DbtuiError:
        if isinstance(error, TimeoutError):
            self._doubtful = True
        described = describe(error, self.probe.user)
        if isinstance(described, SessionLost):
            self.abort()
        return described


class Connector:
    """The way to one server. At most one session of each purpose is open."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._parameters: libpq.Parameters | None = None
        self._tunnel: Tunnel | None = None
        self._ways: dict[Address, tuple[str, int]] = {}
        self._pooled = False
        self._pooler = ""
        self._prompted: Secret | None = None
        self._sessions: dict[Purpose, Connection] = {}
        self._leaving = False
        self._digging = asyncio.Lock()
        self._opening = {purpose: asyncio.Lock() for purpose in STATEMENT_LIMIT}
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

    async def connect(self) -> Server:
        """Open the monitor session, which the first `open("monitor")` then hands out. Raises ConnectError."""
        self._leaving = False
        self._waiting = await self._fresh("monitor", "", writable=False)
        return self.server

    async def open(self, purpose: Purpose, *, database: str = "", writable: bool = False) -> Connection:
        """A new session in place of an older one of the same purpose, so there are never more than three.

        An older monitor or work session is dropped; the end of an action is waited for, at most 10 s. The
        password's source is asked each time. Raises ConnectError, AuthenticationError, NoSlotsLeft.
        """
        waiting, self._waiting = self._waiting, None
        if (
            waiting is not None
            and purpose == "monitor"
            and not waiting.closed
            and database in ("", waiting.database)
        ):
            return waiting
        self._waiting = waiting if purpose != "monitor" else None
        return await self._fresh(purpose, database, writable=writable)

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
                raise ConnectError(f"{self.target.name} is being left", "connect again")
            self._sessions[purpose] = connection
            if purpose == "monitor":
                self._probe, self._server = connection.probe, connection.server
            return connection

    async def _make_room(self, purpose: Purpose) -> None:
        former = self._sessions.pop(purpose, None)
        if former is None:
            return
        if purpose == "act":
            try:
                async with asyncio.timeout(_ACTION_LIMIT):
                    await former.ended()
            except TimeoutError:
                self._sessions[purpose] = former
                raise ConnectError("another action still runs on this server", "wait for its end") from None
        former.abort()

    async def _open(self, purpose: Purpose, database: str, writable: bool) -> Connection:
        if self._parameters is None:
            self._parameters = libpq.resolve(self.target.url, os.environ)
        database = database or self._parameters.database
        dialled, seen = await self._reach(purpose, database, writable)
        pooled = self._pooled or _is_pooled(dialled, seen, writable)
        if (
            pooled and not self._pooled
        ):  # what was asked at the start would linger in the pooler's own sessions
            self._pooled = True
            dialled.raw.terminate()
            dialled, seen = await self._reach(purpose, database, writable)
        where = server(
            seen,
            dialled.address,
            pooler=(_pooler(dialled) or self._pooler or "pooler") if pooled else "",
            notes=(*self.target.notes, *self._parameters.notes),
        )
        return Connection(dialled, seen, where, purpose, pooled=pooled, writable=writable)

    async def _reach(self, purpose: Purpose, database: str, writable: bool) -> tuple[Dialled, Probe]:
        await self._dig()
        try:
            dialled = await self._dial(purpose, database, writable)
        except ConnectError:
            if self._tunnel is None or self._tunnel.alive:
                raise
            await self._dig()  # it broke meanwhile
            dialled = await self._dial(purpose, database, writable)
        try:
            return dialled, await self._look(dialled)
        except BaseException:
            dialled.raw.terminate()
            raise

    async def _look(self, dialled: Dialled) -> Probe:
        assert self._parameters is not None
        try:
            return await probe(dialled.raw, self._parameters.connect_timeout)
        except TimeoutError:
            what = f"{dialled.address} let the session in, and answers no question"
            raise ConnectError(what, "a pooler there may lack the database, or room for it") from None
        except FAILURES as error:
            raise describe_connect(
                error, str(dialled.address), self._parameters.user, self._parameters.database
            ) from None
        except (ValueError, KeyError):
            raise ConnectError(
                f"{dialled.address} answers unlike PostgreSQL", "is it another product?"
            ) from None

    async def _dig(self) -> None:
        """The tunnel, when the target has one and it does not stand."""
        async with self._digging:
            if self.target.ssh and not (self._tunnel is not None and self._tunnel.alive):
                await self._dig_anew()

    async def _dig_anew(self) -> None:
        assert self._parameters is not None
        if self._tunnel is not None:
            self._tunnel.close()
        places = [(address.hostaddr or address.host, address.port) for address in self._parameters.addresses]
        self._tunnel = await Tunnel.open(
            self.target.ssh, places, timeout=self._parameters.connect_timeout * 3
        )
        self._ways = dict(zip(self._parameters.addresses, self._tunnel.ends, strict=True))

    async def _dial(self, purpose: Purpose, database: str, writable: bool) -> Dialled:
        assert self._parameters is not None
        password = await self._password()
        kept, self._prompted = self._prompted, None
        try:
            found = await self._dial_with(password or kept, purpose, database, writable)
        except PasswordRefused:
            if password is not None or self.target.prompt is None:
                raise
            kept = await self.target.prompt()
            if kept is None:
                raise AuthenticationError(
                    f"no password was given for {self.target.name}", "give one to connect"
                ) from None
            found = await self._dial_with(kept, purpose, database, writable)
        self._prompted = kept
        return found

    async def _password(self) -> Secret | None:
        assert self._parameters is not None
        own = await self.target.password() if self.target.password is not None else None
        return own or self._parameters.password

    async def _dial_with(
        self, password: Secret | None, purpose: Purpose, database: str, writable: bool
    ) -> Dialled:
        assert self._parameters is not None
        common = {"application_name": "dbtui"}
        if self._parameters.options:
            common["options"] = self._parameters.options
        if not self._pooled:
            try:
                return await dial(
                    self._parameters,
                    {**common, **_settings(purpose, writable)},
                    password,
                    database=database,
                    ways=self._ways,
                )
            except ConnectError as error:
                if "startup parameter" not in error.message:
                    raise
                self._pooled, self._pooler = True, "pgbouncer"  # its words
        return await dial(self._parameters, common, password, database=database, ways=self._ways)


def _settings(purpose: Purpose, writable: bool) -> dict[str, str]:
    """What a direct session is started with."""
    settings = {
        "statement_timeout": str(STATEMENT_LIMIT[purpose] * 1000),
        "lock_timeout": str(int(LOCK_LIMIT * 1000)),
        "idle_in_transaction_session_timeout": str(IDLE_LIMIT * 1000),
    }
    if not writable:
        settings["default_transaction_read_only"] = "on"
    if purpose == "monitor":
        settings["search_path"] = "pg_catalog"  # no function of a user's schema is ever meant
        settings["jit"] = "off"
    return settings


def _is_pooled(dialled: Dialled, seen: Probe, writable: bool) -> bool:
    """Whether a pooler serves: another process answers, or what was asked at the start did not arrive."""
    return (
        dialled.raw.get_server_pid() != seen.pid
        or seen.application != "dbtui"
        or (not writable and not seen.read_only)
    )


def _pooler(dialled: Dialled) -> str:
    """PgBouncer from 1.26 on names itself among the settings that it reports."""
    return "pgbouncer" if hasattr(dialled.raw.get_settings(), "pgbouncer.version") else ""


class Work:
    """The one work session: opened when first used, opened anew for another database or when it was lost."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None

    @property
    def current(self) -> Connection | None:
        """The session as it stands, for `cancel`; None when there is none."""
        return self._connection

    def use(self, database: str = "") -> AbstractAsyncContextManager[Connection]:
        """The session in `database` ("" is the target's own), for as long as the block lasts.

        Serial: the next user waits. Raises ConnectError when it cannot be opened.
        """
        return self._use(database)

    @asynccontextmanager
    async def _use(self, database: str) -> AsyncIterator[Connection]:
        async with self._turn:
            wanted = database or self._connector.server.database
            connection = self._connection
            if connection is None or connection.closed or connection.database != wanted:
                self._connection = None
                if connection is not None:
                    await connection.close()
                connection = await self._connector.open("work", database=wanted)
                self._connection = connection
            yield connection
