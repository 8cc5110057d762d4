"""What is seen beside a running step, and when it is withdrawn because others would wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dbtui.engines.base import RunSession
from dbtui.errors import DbtuiError
from dbtui.model.run import Look


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a step stops itself. Seconds, sessions and bytes."""

    queue: int = 10  # sessions that wait behind our lock, or behind our wait for it
    queue_seconds: float = 1.5  # the longest of those waits
    lag: float = 10.0  # of the slowest replica, for backfills
    lag_bytes: int = 256 * 2**20
    active: int = 200  # sessions at work, for backfills
    cleaning: float = 60.0  # that the server's own cleaning of the table is waited for, for backfills
    back_off: tuple[float, float] = (0.5, 30.0)  # between two attempts: the first, and the most
    regain: float = 120.0  # for a server that went away to come back


_OFTEN, _SELDOM = (
    0.25,
    1.0,
)  # seconds between two looks: while a lock may be in the way, and while rows are written


class Watch:
    """Looks beside the session. `look` is the newest; `withdrawn` says why the statement was taken back."""

    def __init__(
        self, session: RunSession, relation: str, limits: Limits, on_look: Callable[[Look], None]
    ) -> None:
        self._session = session
        self._relation = relation
        self._limits = limits
        self._on_look = on_look
        self.look = Look()
        self.withdrawn = ""
        self._over = True

    @asynccontextmanager
    async def while_running(self, stop: asyncio.Event, *, withdraw: bool) -> AsyncIterator[Watch]:
        """Look while the block runs. With `withdraw`, cancel its statement at the limits or when `stop` is set."""
        self._over = False
        task = asyncio.create_task(self._looking(stop, withdraw=withdraw))
        try:
            yield self
        finally:
            self._over = True  # a session's cancel() raises nothing, not even that we are cancelled
            task.cancel()
            await asyncio.wait({task})

    async def _looking(self, stop: asyncio.Event, *, withdraw: bool) -> None:
        while not self._over:
            try:
                self.look = await self._session.look(self._relation)
                self._on_look(self.look)
            except DbtuiError:
                self.look = Look()  # the step itself will notice what is wrong
            why = self._why(stop)
            if withdraw and why and not self._over:
                self.withdrawn = why
                await self._session.cancel()
            await self._sleep(stop, _OFTEN if withdraw else _SELDOM)

    async def _sleep(self, stop: asyncio.Event, seconds: float) -> None:
        if stop.is_set():
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            pass

    def _why(self, stop: asyncio.Event) -> str:
        if stop.is_set():
            return "it was told to stop"
        if self.look.behind >= self._limits.queue:
            return f"{self.look.behind} sessions waited behind it"
        if self.look.behind_seconds >= self._limits.queue_seconds:
            return f"a session waited {self.look.behind_seconds:.1f} s behind it"
        return ""
