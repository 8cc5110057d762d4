"""The way to a PostgreSQL server, and the sessions that it has: monitor, work, act, and run for a plan.

`Connector` knows the way (libpq's parameters, password, tunnel, pooler) and opens sessions; each is a `Connection`,
read-only unless it was opened to write; `Work` is the one that catalog, queries and plans share.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from dbtui.config import Secret, Target
from dbtui.engines.postgres import libpq
from dbtui.engines.postgres.dial import Dialled, dial
from dbtui.engines.postgres.failures import FAILURES, PasswordRefused, describe, describe_connect
from dbtui.engines.postgres.libpq import Address
from dbtui.engines.postgres.server import Probe, probe, server
from dbtui.engines.postgres.session import IDLE_LIMIT, LOCK_LIMIT, STATEMENT_LIMIT, Connection, Purpose
from dbtui.engines.tunnel import Tunnel
from dbtui.errors import AuthenticationError, ConnectError
from dbtui.model.server import Server

__all__ = ["LOCK_LIMIT", "Connection", "Connector", "Probe", "Purpose", "Work", "describe"]

_ACTION_LIMIT = 10.0  # seconds to wait for the end of an earlier action


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
        if purpose == "run" and not former.closed:
            self._sessions[purpose] = former
            raise ConnectError("a plan is being run from here already", "wait for its end, or stop it")
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
