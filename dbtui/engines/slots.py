"""The few sessions that one server is given: one for each purpose, and what becomes of an older one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Generic, Literal, Protocol, TypeVar

from dbtui.errors import ConnectError

Purpose = Literal["monitor", "work", "act", "run"]
WRITING: frozenset[Purpose] = frozenset({"act", "run"})

_ACTION_LIMIT = 10.0  # seconds to wait for the end of an earlier action


class Seat(Protocol):
    """What is asked of a session here."""

    @property
    def closed(self) -> bool: ...

    def abort(self) -> None:
        """Drop it at once; waits for nothing."""
        ...

    async def close(self) -> None:
        """End it politely in a moment, else drop it; never raises."""
        ...

    async def ended(self) -> None:
        """Return when it has ended, by whichever side."""
        ...


S = TypeVar("S", bound=Seat)


class Slots(Generic[S]):
    """The open sessions of one server, at most one of each purpose. `name` is the connection's."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._sessions: dict[Purpose, S] = {}
        self._turns: defaultdict[Purpose, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._ahead: S | None = None
        self._leaving = False

    @property
    def sessions(self) -> tuple[S, ...]:
        """Those that were opened and not yet replaced; one may have ended meanwhile."""
        return tuple(self._sessions.values())

    async def begin(self, opening: Callable[[], Awaitable[S]]) -> S:
        """Open the monitor session, which the first `open("monitor", …)` then hands out."""
        self._leaving = False
        self._ahead = await self._fill("monitor", opening)
        return self._ahead

    async def open(self, purpose: Purpose, opening: Callable[[], Awaitable[S]]) -> S:
        """A new session in place of an older one of its purpose.

        An older monitor or work session is dropped; the end of an action is waited for, at most 10 s; a plan that
        is being run is never replaced. Raises ConnectError, and what `opening` raises.
        """
        if purpose == "monitor":
            ahead, self._ahead = self._ahead, None
            if ahead is not None and not ahead.closed:
                return ahead
        return await self._fill(purpose, opening)

    async def close(self) -> None:
        """End all sessions politely and at once, also one that is just being opened."""
        self._leaving = True
        sessions = self.sessions
        self._sessions.clear()
        await asyncio.gather(*(session.close() for session in sessions))

    async def _fill(self, purpose: Purpose, opening: Callable[[], Awaitable[S]]) -> S:
        async with self._turns[purpose]:
            await self._make_room(purpose)
            session = await opening()
            if self._leaving:
                session.abort()
                raise ConnectError(f"{self._name} is being left", "connect again")
            self._sessions[purpose] = session
            return session

    async def _make_room(self, purpose: Purpose) -> None:
        former = self._sessions.get(purpose)
        if former is None:
            return
        if purpose == "run" and not former.closed:
            raise ConnectError("a plan is being run from here already", "wait for its end, or stop it")
        if purpose == "act":
            try:
                async with asyncio.timeout(_ACTION_LIMIT):
                    await former.ended()
            except TimeoutError:
                raise ConnectError("another action still runs on this server", "wait for its end") from None
        del self._sessions[purpose]
        former.abort()
