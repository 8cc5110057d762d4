"""A TCP proxy that delays, and counts the turns: how often the client speaks after the server has."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class Connection:
    """What went through one connection."""

    turns: int = 0
    to_server: int = 0
    to_client: int = 0
    client_spoke_last: bool = False


class Proxy:
    """Forwards 127.0.0.1:`port` to a server; each direction takes half of `round_trip` seconds longer."""

    def __init__(self, target: int, round_trip: float = 0.0) -> None:
        self._target = target
        self._half = round_trip / 2
        self.connections: list[Connection] = []
        self.port = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[Proxy]:
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            server.close()
            loop.run_until_complete(_end(asyncio.all_tasks(loop)))
            loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen = Connection()
        self.connections.append(seen)
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(
                self._forward(reader, server_writer, seen, from_client=True),
                self._forward(server_reader, writer, seen, from_client=False),
            )

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        seen: Connection,
        *,
        from_client: bool,
    ) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if from_client:
                    seen.turns += not seen.client_spoke_last
                    seen.to_server += len(data)
                else:
                    seen.to_client += len(data)
                seen.client_spoke_last = from_client
                loop.call_later(self._half, writer.write, data)
        loop.call_later(self._half, writer.close)


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
