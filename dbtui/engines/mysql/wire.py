"""One session over the wire: aiomysql's connection, made to send nothing that was not meant and to read any bytes.

aiomysql always allows several statements in one text, falls back to a connection without TLS when the server
has none, sends a clear-text password to whoever asks, encodes passwords as latin1, keeps them, and decodes
strictly: each of these is changed here. Cells arrive as the server's bytes.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import aiomysql
from pymysql.constants import CLIENT, FIELD_TYPE, SERVER_STATUS

from dbtui.config import Secret
from dbtui.engines.readahead import Row
from dbtui.model.result import ResultColumn

OURS = "dbtui"  # program_name of the console's own connections
MARK = "dbtui_own"  # a column of what the console asks by itself: the server's digests keep names and no comments
CHANGES = "dbtui change"  # of those that write: they are seen like anybody's
_BINARY = 63  # the character set of what is no text
_STRINGS = frozenset(
    {FIELD_TYPE.BLOB, FIELD_TYPE.TINY_BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB, FIELD_TYPE.STRING,
     FIELD_TYPE.VAR_STRING, FIELD_TYPE.VARCHAR}
)  # fmt: skip
_NUMBERS = frozenset(
    {FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.LONG,
     FIELD_TYPE.LONGLONG, FIELD_TYPE.INT24, FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE, FIELD_TYPE.YEAR}
)  # fmt: skip
_NAMES = {value: name.lower() for name, value in vars(FIELD_TYPE).items() if isinstance(value, int)}
_TYPES = {
    FIELD_TYPE.LONG: "int", FIELD_TYPE.LONGLONG: "bigint", FIELD_TYPE.TINY: "tinyint", FIELD_TYPE.SHORT: "smallint",
    FIELD_TYPE.INT24: "mediumint", FIELD_TYPE.NEWDECIMAL: "decimal",
}  # fmt: skip


class NoTls(Exception):
    """The server has no TLS, and it was required."""


class ClearPassword(Exception):
    """The server asks for the password in clear text over a connection that others can read."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a result, and how its bytes are shown."""

    column: ResultColumn
    show: str  # "text", "hex" or "bits"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole result: `rows` hold the server's bytes; `affected` rows where there is no result."""

    fields: tuple[Field, ...]
    rows: tuple[tuple[bytes | None, ...], ...]
    affected: int

    def texts(self) -> list[tuple[str, ...]]:
        """The rows as text; what is NULL is empty."""
        return [tuple("" if cell is None else text(cell) for cell in row) for row in self.rows]


class Raw(aiomysql.Connection):  # type: ignore[misc]  # aiomysql is untyped
    """A connection that is opened by `open()`."""

    _result: Any
    _reader: Any
    _writer: Any

    def __init__(
        self,
        *,
        host: str,
        port: int,
        socket: str,
        user: str,
        password: Secret | None,
        database: str,
        tls: ssl.SSLContext | None,
        tls_required: bool,
        program: str,
    ) -> None:
        plain = password.reveal() if password else ""
        super().__init__(
            host=host,
            port=port,
            unix_socket=socket or None,
            user=user,
            password=plain.encode().decode("latin1"),  # aiomysql encodes it as latin1: so the bytes are UTF-8
            db=database or None,
            charset="utf8mb4",
            conv={},
            use_unicode=False,
            ssl=None if socket else tls,
            program_name=program,
            autocommit=None,
        )
        self.use_unicode = False
        self.client_flag &= ~CLIENT.MULTI_STATEMENTS
        self._tls_required = tls_required and not socket
        self.encrypted = False

    async def open(self) -> None:
        """Connect and log in. Raises NoTls, ClearPassword, and what aiomysql raises."""
        try:
            await self._connect()
            self.encrypted = self._ssl_context is not None and self._has_tls
        finally:
            self._password = ""

    @property
    def _has_tls(self) -> bool:
        return bool(self.server_capabilities & CLIENT.SSL)

    async def _request_authentication(self) -> None:
        if self._tls_required and not self._has_tls:
            raise NoTls
        if self._server_auth_plugin == "mysql_clear_password" and not self._is_private():
            raise ClearPassword
        await super()._request_authentication()

    async def _process_auth(self, plugin_name: bytes, auth_packet: Any) -> Any:
        if plugin_name == b"mysql_clear_password" and not self._is_private():
            raise ClearPassword
        return await super()._process_auth(plugin_name, auth_packet)

    def _is_private(self) -> bool:
        return bool(self._unix_socket) or (self._ssl_context is not None and self._has_tls)

    @property
    def alive(self) -> bool:
        return not self.closed

    @property
    def in_transaction(self) -> bool:
        return bool(self.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)

    async def ask(self, sql: str) -> Answer:
        """Run one statement and read all of its rows."""
        await self.query(sql)
        result = self._result
        self._result = None
        fields = tuple(_field(field) for field in getattr(result, "fields", ()))
        return Answer(fields, tuple(result.rows or ()), result.affected_rows or 0)

    async def start(self, sql: str) -> tuple[Field, ...]:
        """Run one statement whose rows are then read by `some`; () where it has none."""
        await self.query(sql, unbuffered=True)
        return tuple(_field(field) for field in getattr(self._result, "fields", ()))

    async def some(self, count: int, fields: tuple[Field, ...]) -> list[Row]:
        """At most `count` further rows as shown texts; fewer at the end."""
        rows: list[Row] = []
        result = self._result
        while len(rows) < count and result is not None and result.unbuffered_active:
            row = await result._read_rowdata_packet_unbuffered()
            if row is not None:
                rows.append(shown(row, fields))
        if result is not None and not result.unbuffered_active:
            self._result = None
        return rows

    def abort(self) -> None:
        """Drop it at once; waits for nothing."""
        writer, self._writer, self._reader = self._writer, None, None
        if writer is not None:
            writer.transport.abort()


def text(cell: bytes) -> str:
    """A cell as text; bytes that are no UTF-8 become U+FFFD."""
    return cell.decode("utf-8", "replace")


def shown(row: Iterable[bytes | None], fields: tuple[Field, ...]) -> Row:
    """A row as the mysql client shows it: binary strings as 0x…, bits as digits."""
    return tuple(
        None if cell is None else _cell(cell, field) for cell, field in zip(row, fields, strict=False)
    )


def _cell(cell: bytes, field: Field) -> str:
    if field.show == "hex":
        return f"0x{cell.hex().upper()}" if cell else ""
    if field.show == "bits":
        return str(int.from_bytes(cell, "big"))
    return text(cell)


def _field(field: Any) -> Field:
    kind = int(field.type_code)
    name = str(field.name)
    binary = int(field.charsetnr) == _BINARY
    if kind == FIELD_TYPE.BIT:
        return Field(ResultColumn(name, "bit", True), "bits")
    if kind == FIELD_TYPE.GEOMETRY or (binary and kind in _STRINGS):
        return Field(ResultColumn(name, "geometry" if kind == FIELD_TYPE.GEOMETRY else "binary"), "hex")
    if kind in _STRINGS:
        return Field(ResultColumn(name, "text"), "text")
    return Field(ResultColumn(name, _TYPES.get(kind, _NAMES.get(kind, "")), kind in _NUMBERS), "text")
