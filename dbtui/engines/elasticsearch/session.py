"""One session with a cluster: serial, with a timeout on everything, and held to reading unless opened to act."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from dbtui.engines.elasticsearch import read_only
from dbtui.engines.elasticsearch.failures import described, lost
from dbtui.engines.elasticsearch.reply import decoded
from dbtui.engines.elasticsearch.server import Probe
from dbtui.engines.elasticsearch.wire import FAILURES, LARGEST, Answer, Wire
from dbtui.engines.elasticsearch.words import Request, own
from dbtui.engines.slots import WRITING, Purpose
from dbtui.errors import QueryTimeout, SessionLost
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost


class Connection:
    """One session. Open it through `Connector.open`. Everything raises the console's own errors only."""

    def __init__(self, wire: Wire, probe: Probe, server: Server, purpose: Purpose) -> None:
        self.purpose = purpose
        self.probe = probe
        self.server = server
        self._wire = wire
        self._turn = asyncio.Lock()
        self._ended = asyncio.Event()
        self._requests = 3  # of the introduction
        self._seconds = 0.0

    @property
    def closed(self) -> bool:
        """Whether it was given up. A server that closes an idle connection does not end a session."""
        return self._ended.is_set()

    @property
    def counters(self) -> Cost:
        """The requests of this session and the time from question to answer, network included."""
        return Cost(self._requests, self._seconds)

    async def get(
        self, *segments: str, timeout: float = 5.0, body: object = None, **parameters: str | int | bool
    ) -> Any:
        """The JSON that the answer of a question of the console's own is. `segments` are names as they are.

        Raises QueryError, PermissionDenied, QueryTimeout, SessionLost.
        """
        answer = await self.send(own("GET", *segments, body=body, **parameters), timeout=timeout)
        return decoded(answer.body)

    async def send(self, request: Request, *, timeout: float, largest: int = LARGEST) -> Answer:
        """The answer of a request, refusals raised. `timeout` is in seconds and for all of it.

        Raises NotApproved for a request that does not only read, but for a session that was opened to act.
        """
        if self.purpose not in WRITING:
            read_only.check(request)
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout), self._turn:
                if self.closed:
                    raise SessionLost(
                        "the connection to the server is closed", "it is opened again by itself"
                    )
                started = time.monotonic()
                self._requests += 1
                answer = await self._wire.send(request, largest=largest)
        except TimeoutError:
            raise QueryTimeout(
                f"the server has not answered within {timeout:g} s", "give it more time, or ask for less"
            ) from None
        except FAILURES as error:
            raise lost(error) from None
        finally:
            self._seconds += time.monotonic() - started
        if answer.status == 401:
            self.abort()
        if answer.status >= 400 and request.method != "HEAD":
            raise described(answer, self.server.user, request)
        return answer

    def abort(self) -> None:
        """Give it up at once; waits for nothing."""
        if not self.closed:
            self._ended.set()
            task = asyncio.ensure_future(self._wire.close())
            _CLOSING.add(task)
            task.add_done_callback(_CLOSING.discard)

    async def close(self) -> None:
        """The same: HTTP knows no farewell."""
        if not self.closed:
            self._ended.set()
            await self._wire.close()

    async def ended(self) -> None:
        """Return when it has ended."""
        await self._ended.wait()


_CLOSING: set[asyncio.Future[None]] = set()  # else the loop forgets them
