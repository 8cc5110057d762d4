"""What is seen beside a running step, and when it is withdrawn because others would wait for it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from dbtui.engines.base import Follows, RunSession
from dbtui.errors import DbtuiError
from dbtui.migrations.limits import Limits
from dbtui.model.run import Look

# Seconds between two looks: while a lock may be in the way, and while rows are written.
_OFTEN, _SELDOM = 0.25, 1.0


class Watch:
    """Looks beside the session. `look` is the newest; `withdrawn` says why the statement was taken back."""

    def __init__(
        self,
        session: RunSession,
        relation: str,
        limits: Limits,
        on_look: Callable[[Look], None],
        replicas: Sequence[Follows] = (),
    ) -> None:
        self._session = session
        self._replicas = replicas
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
                self.look = await self._seen()
                self._on_look(self.look)
            except DbtuiError:
                self.look = Look()  # the step itself will notice what is wrong
            why = self._why(stop)
            if withdraw and why and not self._over:
                self.withdrawn = why
                await self._session.cancel()
            await self._sleep(stop, _OFTEN if withdraw else _SELDOM)

    async def _seen(self) -> Look:
        look = await self._session.look(self._relation)
        lags = [await _behind(one) for one in self._replicas]
        return replace(look, lag=max([look.lag or 0.0, *lags])) if lags else look

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
        return self.critical()

    def critical(self) -> str:
        """Why nothing of ours should go on at all; "" when it may."""
        limits, look = self._limits, self.look
        if limits.critical_active and look.active >= limits.critical_active:
            return f"{look.active} sessions were at work"
        if limits.critical_lag and (look.lag or 0.0) >= limits.critical_lag:
            return behind(look.lag or 0.0)
        return ""


def behind(lag: float) -> str:
    """How far a replica is behind, in words."""
    return "a replica does not follow" if lag == math.inf else f"a replica is {lag:.0f} s behind"


async def _behind(replica: Follows) -> float:
    """Seconds; without end for a replica that does not follow, or does not answer."""
    try:
        lag = await replica.behind()
    except DbtuiError:
        lag = None
    return math.inf if lag is None else lag
