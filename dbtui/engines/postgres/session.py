"""One session with a PostgreSQL server: serial, with a timeout on everything, never left inside a transaction."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from asyncpg import connect_utils

from dbtui.engines.postgres.dial import Dialled
from dbtui.engines.postgres.failures import FAILURES, describe
from dbtui.engines.postgres.server import Probe
from dbtui.engines.slots import Purpose
from dbtui.errors import DbtuiError, QueryTimeout, SessionLost
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost

STATEMENT_LIMIT: dict[Purpose, int] = {
    "monitor": 15,
    "work": 60,
    "act": 60,
    "run": 0,  # an index may take a day
}  # seconds; longer ones run in a transaction of their own
LOCK_LIMIT = 3.0  # seconds
IDLE_LIMIT = 60  # seconds inside a transaction
_REPORTED = (  # those of the server's settings that it reports by itself and a program of libpq's reads
    "server_version",
    "server_encoding",
    "client_encoding",
    "is_superuser",
    "session_authorization",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
    "in_hot_standby",
    "default_transaction_read_only",
)
_PING = 2.0  # seconds for a server to show that it is there after a question went unanswered
_FAREWELL = 0.3  # seconds for a session to end politely
# A server of version 14 or newer then ends a statement whose client has gone; only Linux is sure to be able to.
WATCH_CLIENT = (
    "CASE WHEN version() LIKE '%linux%' AND current_setting('server_version_num')::int >= 140000 "
    "THEN set_config('client_connection_check_interval', '1000', true) END"
)


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
    async def writing(self) -> AsyncIterator[asyncpg.Connection]:
        """The driver's own connection, of a session opened to write; what it raises comes as the console's errors."""
        assert self.writable, "only a session opened with writable=True writes"
        try:
            yield self._raw
        except FAILURES as error:
            raise self._described(error) from None

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

    @asynccontextmanager
    async def handed_over(self) -> AsyncIterator[tuple[asyncio.Transport, dict[str, str]]]:
        """The wire, and what the server has reported, for a program that speaks on it; then the session is over."""
        async with self._exclusive(5.0):
            try:
                said = self._raw.get_settings()
                yield self._raw._transport, {n: getattr(said, n) for n in _REPORTED if hasattr(said, n)}
            finally:
                self.abort()

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
        self._raw._transport.abort()  # asyncpg leaves it open when its own polite end was cut short

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
            f"SELECT {limits}, set_config('idle_in_transaction_session_timeout', '{IDLE_LIMIT * 1000}', true), "
            f"{WATCH_CLIENT}"
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
