"""The driver's connection, opened by us: names, TLS and the greeting are ours, the protocol is the driver's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis._parsers import _AsyncRESP2Parser, _AsyncRESP3Parser
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError
from redis.exceptions import ConnectionError as Lost

Word = bytes | str | int
Command = Sequence[Word]

_REFUSALS = (ResponseError, BusyLoadingError, AuthenticationError)  # the session stays after them


class Wire(AbstractConnection):
    """One open stream to a server. It is never opened again by itself, and never waited for when it ends."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str, protocol: int
    ) -> None:
        super().__init__(
            protocol=protocol,
            parser_class=_AsyncRESP3Parser if protocol == 3 else _AsyncRESP2Parser,
            socket_timeout=None,
            socket_connect_timeout=None,
            driver_info=None,
            encoding_errors="surrogateescape",
        )
        self._where = where
        self._reader, self._writer = reader, writer
        self._parser.on_connect(self)  # type: ignore[no-untyped-call]

    async def _connect(self) -> None:
        raise Lost("the connection is closed")

    def _host_error(self) -> str:
        return self._where

    def repr_pieces(self) -> list[tuple[str, str | int]]:
        return [("where", self._where)]

    @property
    def closed(self) -> bool:
        return self._writer is None or self._writer.is_closing()

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """Send all commands at once; the answers in order, a refusal in its place.

        Strings are bytes. Whatever is raised ends the stream, since it is unknown what was answered: of a server
        that refuses and hangs up its refusal, else what happened to the stream.
        """
        answers: list[Any] = []
        try:
            if self.closed:
                raise Lost("the connection is closed")
            assert self._writer is not None
            self._writer.writelines(self.pack_commands(commands))
            sending = asyncio.ensure_future(self._writer.drain())  # a server answers before it has read all
            try:
                for _ in commands:
                    answers.append(await self._answer())  # noqa: PERF401 - what came before a loss is told
                await sending
            finally:
                sending.cancel()
        except Lost as error:
            self.abort()
            said = answers[-1] if answers else None
            raise said if isinstance(said, RedisError) else error from None
        except BaseException:
            self.abort()
            raise
        return answers

    async def _answer(self) -> Any:
        try:
            return await self.read_response(disable_decoding=True, disconnect_on_error=False)
        except _REFUSALS as error:
            return error

    def abort(self) -> None:
        """Drop the stream at once."""
        writer, self._writer = self._writer, None
        self._reader = None
        if writer is not None:
            writer.transport.abort()


__all__ = ["Command", "RedisError", "Wire", "Word"]
