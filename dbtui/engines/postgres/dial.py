"""One session over the wire: host by host, with or without TLS as sslmode wants, never waiting too long."""

from __future__ import annotations

import asyncio
import codecs
import random
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
from asyncpg.protocol import protocol as wire

from dbtui.config import Secret
from dbtui.engines.network import look_up
from dbtui.engines.postgres.failures import FAILURES, describe_connect
from dbtui.engines.postgres.files import stored_password
from dbtui.engines.postgres.libpq import Address, KeepAlive, Parameters
from dbtui.engines.postgres.read_only import check
from dbtui.engines.postgres.tls import context
from dbtui.errors import AuthenticationError, ConnectError, DbtuiError

_LENIENT = "dbtui_utf8_lenient"
_UNCONVERTED = ("UTF8", "SQL_ASCII")


class _Lenient:
    """UTF-8 whose decoder replaces what is not: see `RAW_TEXT`.

    asyncpg (0.30 to 0.32) copies encoded parameters out of a bytes object that it has let go of already, which
    reads freed memory. So the newest one is kept here until the next is encoded; the copy is made in between.
    """

    kept = b""

    def encode(self, text: str, errors: str = "strict", /) -> tuple[bytes, int]:
        self.kept, count = codecs.utf_8_encode(text, errors)
        return self.kept, count

    def decode(self, data: Any, errors: str = "replace", /) -> tuple[str, int]:
        return codecs.utf_8_decode(data, "replace", True)


def _lenient_codec(name: str) -> codecs.CodecInfo | None:
    lenient = _Lenient()
    return codecs.CodecInfo(lenient.encode, lenient.decode, name=_LENIENT) if name == _LENIENT else None


codecs.register(_lenient_codec)
# A session may see texts that are not in its database's encoding: those of an SQL_ASCII database, and in
# pg_stat_activity those of sessions in databases with other encodings. With client_encoding SQL_ASCII the
# server passes all bytes on as they are; asyncpg would take them for ASCII, and one byte fail a whole fetch.
wire.ENCODINGS_MAP["sql_ascii"] = _LENIENT
RAW_TEXT = {"client_encoding": "SQL_ASCII"}


class Raw(asyncpg.Connection):  # type: ignore[misc]  # asyncpg is untyped
    """asyncpg's connection, which refuses what a read-only transaction would let through while `guarded`.

    `execute` is not looked at: the console's own SET LOCAL and the like go through it, never a user's text.
    """

    guarded = False

    def _look(self, query: str) -> None:
        if self.guarded:
            check(query)

    async def prepare(self, query: str, **more: Any) -> Any:
        self._look(query)
        return await super().prepare(query, **more)

    async def fetch(self, query: str, *args: Any, **more: Any) -> Any:
        self._look(query)
        return await super().fetch(query, *args, **more)

    async def fetchrow(self, query: str, *args: Any, **more: Any) -> Any:
        self._look(query)
        return await super().fetchrow(query, *args, **more)

    async def fetchval(self, query: str, *args: Any, **more: Any) -> Any:
        self._look(query)
        return await super().fetchval(query, *args, **more)

    def cursor(self, query: str, *args: Any, **more: Any) -> Any:
        self._look(query)
        return super().cursor(query, *args, **more)

    def _abort(self) -> None:
        """Keep the closed protocol: a statement between two of its messages gets an InterfaceError from it.

        asyncpg puts None in its place, and the statement fails with an AttributeError.
        """
        self._aborted = True
        if self._protocol is not None:
            self._protocol.abort()


@dataclass(frozen=True, slots=True)
class Dialled:
    """A session that stands, and the address that it was had from."""

    raw: Raw
    address: Address
    tls: bool


async def dial(
    parameters: Parameters,
    settings: Mapping[str, str],
    password: Secret | None,
    *,
    database: str,
    ways: Mapping[Address, tuple[str, int]],
) -> Dialled:
    """Try the addresses in order until one has what is wanted. Raises ConnectError and its kinds.

    `ways` holds the local ends of tunnels. As in libpq, a server that answers and refuses the login ends the
    search; one that cannot be reached, is starting, or is of the wrong kind does not.
    """
    addresses = list(parameters.addresses)
    if parameters.shuffle:
        random.shuffle(addresses)
    failure: DbtuiError | None = None
    wants = [parameters.session]
    if parameters.session == "prefer-standby":
        wants = ["standby", "any"]
    for want in wants:
        for address in addresses:
            try:
                found = await _dial_host(
                    replace(parameters, session=want), settings, password, database, address, ways
                )
            except (AuthenticationError, _FinalError) as error:
                raise (error.reason if isinstance(error, _FinalError) else error) from None
            except ConnectError as error:
                failure = failure or error
            else:
                return found
    assert failure is not None
    raise failure


class _FinalError(Exception):
    """A refusal that another address would not change."""

    def __init__(self, reason: DbtuiError) -> None:
        super().__init__()
        self.reason = reason


async def _dial_host(
    parameters: Parameters,
    settings: Mapping[str, str],
    password: Secret | None,
    database: str,
    address: Address,
    ways: Mapping[Address, tuple[str, int]],
) -> Dialled:
    note = ""
    if password is None and parameters.passfile is not None:
        password, note = stored_password(
            parameters.passfile, address.host or address.hostaddr, address.port, database, parameters.user
        )
    attempt = _Attempt(parameters, settings, password, database, address)
    failure: BaseException | None = None
    try:
        async with asyncio.timeout(parameters.connect_timeout):
            places = await _places(address, ways)
    except FAILURES as error:
        raise describe_connect(error, str(address), parameters.user, database) from None
    for host, port in places:
        try:
            async with asyncio.timeout(parameters.connect_timeout):
                return await attempt.open(host, port)
        except asyncpg.PostgresError as error:
            described = describe_connect(error, str(address), parameters.user, database)
            if isinstance(described, AuthenticationError) and note:
                described = type(described)(described.message, note)
            if error.sqlstate == "57P03":
                raise described from None
            raise _RefusalError(described, error) from None
        except FAILURES as error:
            failure = failure or error
    assert failure is not None
    raise describe_connect(failure, str(address), parameters.user, database) from None


class _RefusalError(_FinalError):
    """A server's own refusal, with its original for who can do something about it."""

    def __init__(self, reason: DbtuiError, original: asyncpg.PostgresError) -> None:
        super().__init__(reason)
        reason.__cause__ = None
        self.original = original


@dataclass(frozen=True, slots=True)
class _Attempt:
    parameters: Parameters
    settings: Mapping[str, str]
    password: Secret | None
    database: str
    address: Address

    async def open(self, host: str, port: int) -> Dialled:
        """With TLS, without, or one after the other, as sslmode wants."""
        mode = "disable" if self.address.unix else self.parameters.tls.mode
        if mode == "allow":
            try:
                return await self._open(host, port, tls=False)
            except asyncpg.InvalidAuthorizationSpecificationError as error:
                if isinstance(error, asyncpg.InvalidPasswordError):
                    raise
                return await self._open(host, port, tls=True)
        if mode == "prefer":
            try:
                return await self._open(host, port, tls=True)
            except asyncpg.InvalidAuthorizationSpecificationError as error:
                if isinstance(error, asyncpg.InvalidPasswordError):
                    raise
            except (ssl.SSLError, ConnectionResetError):
                pass
            except ConnectionError as error:
                if "rejected SSL upgrade" not in str(error):
                    raise
            return await self._open(host, port, tls=False)
        return await self._open(host, port, tls=mode != "disable")

    async def _open(self, host: str, port: int, *, tls: bool) -> Dialled:
        if not tls:
            return await self._start(host, port, None)
        try:
            return await self._start(host, port, context(self.parameters.tls, self.address, usual_curve=True))
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError:
            return await self._start(host, port, context(self.parameters.tls, self.address))

    async def _start(self, host: str, port: int, tls: ssl.SSLContext | None) -> Dialled:
        password = self.password
        raw = await asyncpg.connect(
            host=host,
            port=port,
            user=self.parameters.user,
            database=self.database,
            password=lambda: (
                password.reveal() if password else ""
            ),  # not a text: asyncpg keeps what it is given
            ssl=tls or False,
            direct_tls=tls is not None and self.parameters.tls.direct,
            target_session_attrs="any",
            krbsrvname=self.parameters.kerberos_service or "postgres",
            gsslib="gssapi",
            service="",
            server_settings={**RAW_TEXT, **self.settings},
            statement_cache_size=0,
            connection_class=Raw,
        )
        try:
            if not self.address.unix:
                _keep_alive(raw, self.parameters.keep_alive)
            if getattr(raw.get_settings(), "server_encoding", "UTF8") not in _UNCONVERTED:
                await raw.execute("SET client_encoding TO 'UTF8'")
            await _wanted(raw, self.parameters.session, self.address)
        except BaseException:
            raw.terminate()
            raise
        return Dialled(raw, self.address, tls is not None)


async def _wanted(raw: Raw, session: str, address: Address) -> None:
    """Raise ConnectError unless the server is of the kind that target_session_attrs asks for."""
    if session == "any":
        return
    said = getattr(raw.get_settings(), "in_hot_standby", None)  # reported from PostgreSQL 14 on
    standby = (
        said == "on" if said is not None else await raw.fetchval("SELECT pg_catalog.pg_is_in_recovery()")
    )
    if standby != (session in ("standby", "read-only")):
        kind = "standby" if standby else "primary"
        raise ConnectError(f"{address} is a {kind}, and target_session_attrs={session}", "name another host")


def _keep_alive(raw: Raw, wanted: KeepAlive) -> None:
    handle = raw._transport.get_extra_info("socket")
    if handle is None or not wanted.on:
        return
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", wanted.idle),
        ("TCP_KEEPINTVL", wanted.interval),
        ("TCP_KEEPCNT", wanted.count),
        ("TCP_USER_TIMEOUT", wanted.user_timeout),
    ):
        if value is not None and hasattr(socket, name):
            handle.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def _places(address: Address, ways: Mapping[Address, tuple[str, int]]) -> Sequence[tuple[str, int]]:
    """What to dial for an address: the socket folder, the tunnel's end, or the IP addresses of its host."""
    if address in ways:
        return [ways[address]]
    if address.unix:
        return [(address.host, address.port)]
    return [(ip, address.port) for ip in await look_up(address.hostaddr or address.host, address.port)]
