"""The way to a PostgreSQL server, and the sessions that it has: monitor, work, act, and run for a plan.

`Connector` knows the way (libpq's parameters, password, tunnel, pooler) and opens sessions; each is a `Connection`,
read-only unless it was opened to write.
"""

from __future__ import annotations

import os
from dataclasses import replace

from dbtui.config import Secret, Target
from dbtui.engines.connector import BaseConnector
from dbtui.engines.postgres import libpq, pools
from dbtui.engines.postgres.dial import Dialled, dial
from dbtui.engines.postgres.failures import FAILURES, describe, describe_connect
from dbtui.engines.postgres.libpq import Address
from dbtui.engines.postgres.server import Probe, probe, server
from dbtui.engines.postgres.session import IDLE_LIMIT, LOCK_LIMIT, STATEMENT_LIMIT, Connection
from dbtui.engines.postgres.sessions import OURS
from dbtui.engines.slots import Purpose
from dbtui.engines.work import Work as SharedSession
from dbtui.errors import ConnectError, DbtuiError

__all__ = ["LOCK_LIMIT", "Connection", "Connector", "Probe", "Purpose", "Work", "describe"]

_ADMISSION = 2.0  # seconds for PgBouncer's admin console to let in, and again to answer

Work = SharedSession[Connection]  # the session that catalog, queries and plans share


class Connector(BaseConnector[Connection]):
    """The way to one server. At most one session of each purpose is open."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._parameters: libpq.Parameters | None = None
        self._ways: dict[Address, tuple[str, int]] = {}
        self._pooled = False
        self._pooler = ""
        self._probe: Probe | None = None

    @property
    def probe(self) -> Probe:
        """Of the newest monitor session."""
        assert self._probe is not None, "open() comes first"
        return self._probe

    async def open(self, purpose: Purpose, *, database: str = "", writable: bool = False) -> Connection:
        """A new session: see `Slots.open`. The password's source is asked each time.

        Raises ConnectError, AuthenticationError, NoSlotsLeft.
        """
        return await self._slots.open(purpose, lambda: self._open(purpose, database, writable=writable))

    def work(self) -> Work:
        """The session for whatever database is wanted: another one needs a session of its own."""

        async def opening(database: str) -> Connection:
            return await self.open("work", database=database or self.server.database)

        async def turned(connection: Connection, database: str) -> bool:
            return connection.database == (database or self.server.database)

        return Work(opening, turned)

    async def pools(self) -> list[pools.Row]:
        """SHOW POOLS of the PgBouncer in between, over a wire of its own, in at most some seconds.

        Raises ConnectError where this user may not ask, QueryError, QueryTimeout, SessionLost.
        """
        assert self._parameters is not None, "open() comes first"
        way = replace(
            self._parameters, connect_timeout=_ADMISSION, session="any"
        )  # neither primary nor standby
        settings, database = {"application_name": OURS}, pools.ADMIN_DATABASE
        dialled = await self._login.through(
            lambda password: dial(way, settings, password, database=database, ways=self._ways),
            way.password,
        )
        try:
            return await pools.ask(dialled.raw._transport, "SHOW POOLS", timeout=_ADMISSION)
        finally:
            dialled.raw.terminate()

    # ---- inside

    async def _admission(self, user: str) -> str:
        """Whether this user sees how the pools stand, and otherwise who would: one line."""
        try:
            await self.pools()
        except DbtuiError:
            return pools.HIDDEN.format(user)
        return pools.SHOWN

    async def _open(self, purpose: Purpose, database: str = "", *, writable: bool = False) -> Connection:
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
        if purpose == "monitor":
            if where.pooler == "pgbouncer":
                where = replace(where, notes=(*where.notes, await self._admission(seen.user)))
            self._probe, self._server = seen, where
        return Connection(dialled, seen, where, purpose, pooled=pooled, writable=writable)

    async def _reach(self, purpose: Purpose, database: str, writable: bool) -> tuple[Dialled, Probe]:
        await self._dig()
        try:
            dialled = await self._dial(purpose, database, writable)
        except ConnectError:
            if not self._tunnelled.broken:
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
        assert self._parameters is not None
        if self.target.ssh:
            addresses = self._parameters.addresses
            places = [(address.hostaddr or address.host, address.port) for address in addresses]
            ends = await self._tunnelled.ends(places, timeout=self._parameters.connect_timeout * 3)
            self._ways = dict(zip(addresses, ends, strict=True))

    async def _dial(self, purpose: Purpose, database: str, writable: bool) -> Dialled:
        assert self._parameters is not None
        return await self._login.through(
            lambda password: self._dial_with(password, purpose, database, writable), self._parameters.password
        )

    async def _dial_with(
        self, password: Secret | None, purpose: Purpose, database: str, writable: bool
    ) -> Dialled:
        assert self._parameters is not None
        common = {"application_name": _name(writable)}
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


def _name(writable: bool) -> str:
    """What changes something is seen like anybody's session: others may wait behind it, and it can be cancelled."""
    return f"{OURS} change" if writable else OURS


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
        or seen.application != _name(writable)
        or (not writable and not seen.read_only)
    )


def _pooler(dialled: Dialled) -> str:
    """PgBouncer from 1.26 on names itself among the settings that it reports."""
    return "pgbouncer" if hasattr(dialled.raw.get_settings(), "pgbouncer.version") else ""
