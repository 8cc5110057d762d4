"""A TCP line to a server that can be slow, lose every packet, lead to another host, or change what is said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping


class Line:
    """Forwards 127.0.0.1:`port` to the port `target` there. It is had by `line_to`."""

    def __init__(self, target: int, changes: Mapping[bytes, bytes]) -> None:
        assert all(len(said) == len(heard) for said, heard in changes.items()), "protocols count their bytes"
        self.target = target
        self.delay = 0.0  # seconds each way
        self.frozen = False
        self.port = 0
        self._changes = changes
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers += [writer, there_writer]
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._forward(source, sink))
            self._tasks.add(task)

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(1 << 16):
                await asyncio.sleep(self.delay)
                for said, heard in self._changes.items():
                    data = data.replace(said, heard)
                if not self.frozen:  # dropped, not refused
                    sink.write(data)
        sink.close()

    def cut(self) -> None:
        """Break every connection, as a failover does."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def close(self) -> None:
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def line_to(port: int, changes: Mapping[bytes, bytes] | None = None) -> AsyncIterator[Line]:
    """A line to a port of this machine; `changes` are bytes, and the as many bytes that come out in their place."""
    line = Line(port, changes or {})
    listening = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = listening.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        listening.close()
        await line.close()
