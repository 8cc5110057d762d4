"""Connections to one file: each with a thread of its own, serial, with a limit of time on everything."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from dbtui.config import Target
from dbtui.engines.slots import Purpose
from dbtui.engines.sqlite import holders
from dbtui.engines.sqlite.failures import describe, is_busy, unopened
from dbtui.engines.sqlite.place import Identity, Place, check, identity_of, place_of
from dbtui.engines.sqlite.read_only import Guard, Mode
from dbtui.engines.sqlite.values import decoded, pragma
from dbtui.engines.work import Work
from dbtui.errors import ConnectError, QueryError, QueryTimeout, SessionLost
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost

T = TypeVar("T")

# Seconds that a lock of somebody else is waited for.
BUSY: dict[Purpose, float] = {"monitor": 0.2, "work": 1.0, "act": 3.0, "run": 3.0}
OPENING = 5.0  # seconds for a file to open: a network mount may hang
MOST_VALUE = 64 * 2**20  # bytes of one value
_OLDEST = (3, 37, 0)  # PRAGMA table_list, STRICT
_ENDING = 1.0  # seconds for an interrupted statement to end
_FAREWELL = 0.2  # seconds for a connection to close
_NUDGE = 0.02  # seconds between two interrupts: one that comes before the statement has begun is lost


class _Thread(aiosqlite.Connection):
    """A connection whose thread neither keeps the interpreter from ending nor minds that nobody waits any more."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, 64)
        work = self._thread.run
        self._thread = threading.Thread(target=_unless_left, args=(work,), name="sqlite", daemon=True)

    async def call(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function of the connection in its thread."""
        return await self._execute(function, self._conn)  # type: ignore[no-any-return,no-untyped-call]


def _unless_left(work: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # an answer for an event loop that has ended
        work()


class Connection:
    """One connection. Open it through `Connector.open`. Everything raises the console's own errors only."""

    def __init__(self, raw: _Thread, place: Place, identity: Identity, guard: Guard) -> None:
        self.place = place
        self.identity = identity
        self.guard = guard
        self._raw = raw
        self._turn = asyncio.Lock()
        self._closed = False
        self._holder = ""  # who was in the way of the last statement
        self._statements = 1
        self._seconds = 0.0

    @property
    def closed(self) -> bool:
        """Whether it can be used no more."""
        return self._closed

    @property
    def counters(self) -> Cost:
        """What ran here, and how long it took."""
        return Cost(self._statements, self._seconds)

    async def run(
        self,
        function: Callable[[sqlite3.Connection], T],
        *,
        timeout: float = 5.0,
        mode: Mode = "own",
        sql: str = "",
    ) -> T:
        """What `function` makes of the connection, in the connection's thread.

        It is interrupted after `timeout` seconds, and when the caller is cancelled. `mode` tells the guard for
        whom it is; `sql` is the user's text, for the position of an error. Raises QueryError, PermissionDenied,
        QueryTimeout, SessionLost.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._turn.acquire()
        except TimeoutError:
            raise QueryTimeout(
                "an earlier statement of this connection still runs", "wait for it, or cancel it"
            ) from None
        started = time.monotonic()
        self._statements += 1
        try:
            return await self._bounded(function, timeout, mode)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise describe(error, sql, self.guard.refused, self._holder) from None
        except UnicodeEncodeError:
            raise QueryError("the text holds half a character", "write it anew") from None
        finally:
            self._seconds += time.monotonic() - started
            self._turn.release()

    async def _bounded(self, function: Callable[[sqlite3.Connection], T], timeout: float, mode: Mode) -> T:
        if self._closed:
            raise SessionLost("the connection to the file is closed", "it is opened again by itself")
        self.guard.refused = self._holder = ""

        def guarded(raw: sqlite3.Connection) -> T:
            self.guard.mode = mode
            try:
                return function(raw)
            except sqlite3.Error as error:
                if is_busy(error):
                    self._holder = holders.blame(self.place)
                raise
            finally:
                self.guard.mode = "own"

        job = asyncio.ensure_future(self._raw.call(guarded))
        try:
            done, _ = await asyncio.wait({job}, timeout=timeout)
        except asyncio.CancelledError:
            await self._stop(job)
            raise
        if not done:
            await self._stop(job)
            raise QueryTimeout(
                f"the statement took longer than {timeout:g} s", "give it more time, or narrow it down"
            )
        return job.result()

    async def _stop(self, job: asyncio.Future[Any]) -> None:
        """Interrupt until the job has ended; a connection that does not let go is left to its thread."""
        until = time.monotonic() + _ENDING
        while not job.done() and time.monotonic() < until:
            await self.interrupt()
            await asyncio.wait({job}, timeout=_NUDGE)
        if job.done():
            job.cancelled() or job.exception()
        else:
            job.cancel()
            self._closed = True

    async def interrupt(self) -> None:
        """Have the statement that runs here end; never raises."""
        try:
            await self._raw.interrupt()
        except (ValueError, sqlite3.ProgrammingError):  # closed meanwhile
            return

    async def current(self) -> bool:
        """Whether the file is still the one that stands at its path."""
        try:
            found = await self.run(lambda _raw: identity_of(self.place.path), timeout=2.0)
        except (QueryTimeout, SessionLost):
            return False
        return found == self.identity

    async def close(self) -> None:
        """Interrupt what runs and close, in 0.3 s at most; never raises."""
        if self._closed:
            return
        self._closed = True
        await self.interrupt()
        closing = asyncio.ensure_future(self._raw.close())
        until = time.monotonic() + _FAREWELL
        while not closing.done() and time.monotonic() < until:
            await self.interrupt()
            await asyncio.wait({closing}, timeout=_NUDGE)
        if closing.done():
            closing.cancelled() or closing.exception()
        else:
            closing.cancel()


class Connector:
    """Opens the connections of one target, and closes what is left of them."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._place: Place | None = None
        self._server: Server | None = None
        self._open: list[Connection] = []

    @property
    def place(self) -> Place:
        """The file. Raises UsageError for a URL that names none."""
        if self._place is None:
            self._place = place_of(self.target.url)
        return self._place

    @property
    def server(self) -> Server:
        """What answered first."""
        assert self._server is not None, "connect first"
        return self._server

    async def connect(self) -> Server:
        """Probe the file on a connection of its own. Raises ConnectError, UsageError."""
        connection = await self.open("work")
        try:
            self._server = await connection.run(lambda raw: _probe(raw, connection.place), timeout=OPENING)
        except QueryError as error:  # locked between two questions, or its schema is damaged
            raise ConnectError(error.message, error.hint) from None
        finally:
            await connection.close()
        return self._server

    async def open(self, purpose: Purpose, *, writable: bool = False) -> Connection:
        """A connection; only one that is opened `writable` can write. Raises ConnectError."""
        place = self.place
        guard = Guard()
        if sqlite3.sqlite_version_info < _OLDEST:
            raise ConnectError(
                f"Python's SQLite is {sqlite3.sqlite_version}, and 3.37 is needed", "use a newer Python"
            )
        raw = _Thread(lambda: _opened(place, guard, BUSY[purpose], writable=writable))
        opening = asyncio.ensure_future(_started(raw))
        done, _ = await asyncio.wait({opening}, timeout=OPENING)
        if not done:
            opening.cancel()
            raise ConnectError(
                f"{place.path} does not open within {OPENING:g} s", "look at its disk or mount"
            )
        opening.result()
        identity = identity_of(place.path)
        if identity is None:
            raise ConnectError(f"{place.path} is gone", "it is tried again")
        connection = Connection(raw, place, identity, guard)
        self._open = [one for one in self._open if not one.closed] + [connection]
        return connection

    def work(self) -> Work[Connection]:
        """The connection that catalog, queries and plans share, opened anew when the file was replaced."""

        async def opening(_database: str) -> Connection:
            return await self.open("work")

        async def turned(connection: Connection, _database: str) -> bool:
            return await connection.current()

        return Work(opening, turned)

    async def close(self) -> None:
        """Interrupt and close everything, whatever runs."""
        left, self._open = self._open, []
        if left:
            await asyncio.gather(*(connection.close() for connection in left))


async def _started(raw: _Thread) -> None:
    await raw


def _opened(place: Place, guard: Guard, busy: float, *, writable: bool) -> sqlite3.Connection:
    """Open, read the first page, and close the doors, in this order; runs in the connection's thread."""
    check(place)
    raw: sqlite3.Connection | None = None
    try:
        raw = sqlite3.connect(
            place.uri("rw" if writable else "ro"),
            uri=True,
            timeout=busy,
            isolation_level=None,
            cached_statements=0,  # each text is judged anew
        )
        raw.text_factory = decoded
        if not writable:
            raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_VALUE)
        raw.execute("PRAGMA trusted_schema = OFF")  # a file from elsewhere may call functions in its views
        raw.execute("PRAGMA cell_size_check = ON")
        raw.execute("PRAGMA mmap_size = 0")  # a file that is cut while it is mapped would end the process
        raw.execute("PRAGMA schema_version").fetchone()
        raw.execute("PRAGMA foreign_keys = ON" if writable else "PRAGMA query_only = ON")
        raw.set_authorizer(guard)
    except sqlite3.Error as error:
        if raw is not None:
            raw.close()
        raise unopened(error, place, holders.blame(place) if is_busy(error) else "") from None
    return raw


def _probe(raw: sqlite3.Connection, place: Place) -> Server:
    mode = str(pragma(raw, "journal_mode"))
    notes = list(place.notes)
    if not pragma(raw, "page_count"):
        notes.append("the file is empty: a database without tables")
    if mode == "wal":
        notes.append("in WAL mode a look leaves -wal and -shm beside the file; its application removes them")
    else:
        notes.append(f"in journal mode {mode} a statement that reads holds off commits while it runs")
    if not holders.VISIBLE:
        notes.append("who holds the file cannot be seen: this system has no /proc")
    major, minor, patch = sqlite3.sqlite_version_info
    return Server(
        product="SQLite",
        version=sqlite3.sqlite_version,
        version_number=major * 1_000_000 + minor * 1_000 + patch,
        role="",
        address=str(Path(place.path).parent),
        database=place.name,
        user=_user(),
        encoding=str(pragma(raw, "encoding")),
        notes=tuple(notes),
    )


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
