"""One session with a server: serial, with a time limit on everything it asks, and the cursors that it opens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pymongo
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

from dbtui.engines.mongodb import client
from dbtui.engines.mongodb.failures import FAILURES, describe
from dbtui.engines.mongodb.server import Probe
from dbtui.errors import QueryError
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost

_DECODING: Mapping[str, Any] = {
    "tz_aware": True,
    "unicode_decode_error_handler": "replace",  # keys and texts that are not UTF-8 must not cost the rest
    "datetime_conversion": DatetimeConversion.DATETIME_AUTO,  # years that Python does not have
}
PLAIN: CodecOptions[dict[str, Any]] = CodecOptions(document_class=dict, **_DECODING)
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument, **_DECODING)

Document = Mapping[str, Any]


class Connection:
    """One purpose's use of a client: serial, with a time limit on everything. Raises the console's errors only."""

    def __init__(self, raw: Any, probe: Probe, server: Server) -> None:
        self.probe = probe
        self.server = server
        self._client = raw
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
            reply = await self._call(self._database(database).command, command, PLAIN, timeout, role)
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
            cursor = await self._call(self._database(database).cursor_command, command, PLAIN, timeout, role)
            try:
                found = await self._limited(cursor.to_list(most), timeout, role)
            finally:
                self._drop(cursor)
        return [dict(document) for document in found]

    async def cursor(self, command: Document, *, database: str, timeout: float) -> Batches:
        """A cursor over raw documents, for what a user typed. Not serial: it has a socket of its own."""
        cursor = await self._call(self._database(database, RAW).cursor_command, command, RAW, timeout, "read")
        return Batches(self, cursor)

    async def reply(self, command: Document, *, database: str, timeout: float) -> dict[str, Any]:
        """The reply of a command that a user typed; not serial."""
        return dict(await self._call(self._database(database).command, command, PLAIN, timeout, "read"))

    async def close(self) -> None:
        """End the client that it uses, with all that use it; waits for nothing."""
        client.close(self._client)

    # ---- inside

    def _database(self, name: str, codec: CodecOptions[Any] = PLAIN) -> Any:
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
            closing.add_done_callback(client.heard)


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
