"""A server that answers the protocol with recorded replies, for what FerretDB does not have.

It speaks OP_MSG, and OP_QUERY for the driver's first hello. `answers` maps a command's name to its reply, or to a
function of the command; what is not in it is no command of this server.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import bson
from bson.codec_options import CodecOptions

from tests.recorded.mongodb import reply

_AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
_MESSAGE, _QUERY, _REPLY = 2013, 2004, 1
Answer = Mapping[str, Any] | Callable[[dict[str, Any]], Mapping[str, Any]]
OK = {"ok": 1.0}


def refused(code: int, message: str) -> dict[str, Any]:
    """A reply that is an error."""
    return {"ok": 0.0, "code": code, "errmsg": message}


def cursor(documents: list[Any]) -> dict[str, Any]:
    """A reply with all documents in its first batch."""
    return {"cursor": {"id": bson.Int64(0), "ns": "admin.$cmd", "firstBatch": documents}, "ok": 1.0}


class Replay:
    """`async with Replay({…}) as server:` `seen` are the commands that came, without the driver's own."""

    def __init__(self, answers: Mapping[str, Answer], *, hello: str = "hello-7.0-standalone") -> None:
        me = reply(hello)
        self._answers: dict[str, Answer] = {
            "hello": me,
            "ismaster": me | {"ismaster": me.get("isWritablePrimary", False), "helloOk": True},
            "buildInfo": {"version": "7.0.12", "modules": [], "ok": 1.0},
            "connectionStatus": {
                "authInfo": {"authenticatedUsers": [{"user": "ops", "db": "admin"}]},
                "ok": 1.0,
            },
            "serverStatus": reply("server_status-7.0-mongod"),
            "endSessions": OK,
            **answers,
        }
        self.seen: list[dict[str, Any]] = []
        self.hold: asyncio.Event | None = None  # no answer until it is set
        self.port = 0

    def named(self, name: str) -> list[dict[str, Any]]:
        """The commands of one name that came."""
        return [command for command in self.seen if next(iter(command)) == name]

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/shop?directConnection=true"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                length, request, _, code = struct.unpack("<iiii", await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                if self.hold is not None:
                    await self.hold.wait()
                if code == _QUERY:
                    start = body.index(b"\0", 4) + 9
                    answer = bson.encode(dict(self._answer(bson.decode(body[start:]))))
                    payload = struct.pack("<iqii", 8, 0, 0, 1) + answer
                    writer.write(struct.pack("<iiii", 16 + len(payload), 1, request, _REPLY) + payload)
                else:
                    answer = bson.encode(dict(self._answer(_command(body))))
                    payload = struct.pack("<iB", 0, 0) + answer
                    writer.write(struct.pack("<iiii", 16 + len(payload), 1, request, _MESSAGE) + payload)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    def _answer(self, command: dict[str, Any]) -> Mapping[str, Any]:
        name = next(iter(command))
        if name not in ("ismaster", "isMaster", "hello", "endSessions"):
            self.seen.append(command)
        answer = self._answers.get("ismaster" if name == "isMaster" else name)
        if answer is None:
            return refused(59, f"no such command: '{name}'")
        return answer(command) if callable(answer) else answer


def _command(body: bytes) -> dict[str, Any]:
    """The document of an OP_MSG, with its sequences of documents as lists."""
    at = 4
    command: dict[str, Any] = {}
    while at < len(body):
        kind, at = body[at], at + 1
        (size,) = struct.unpack_from("<i", body, at)
        if kind == 0:
            command.update(bson.decode(body[at : at + size], _AWARE))
        else:
            stop = body.index(b"\0", at + 4)
            name = body[at + 4 : stop].decode()
            command[name] = bson.decode_all(body[stop + 1 : at + size])
        at += size
    return command
