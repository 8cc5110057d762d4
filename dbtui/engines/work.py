"""The one session that catalog, queries and plans of an engine share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What is asked of a session here."""

    @property
    def closed(self) -> bool: ...

    async def close(self) -> None:
        """End it; never raises."""
        ...


S = TypeVar("S", bound=Closable)


class Work(Generic[S]):
    """A session that is opened when first used, and anew when it was lost or does not fit any more.

    `opening` opens one in a database; `turned` turns one that stands to a database, and says whether that could
    be done; "" is the target's own database.
    """

    def __init__(
        self, opening: Callable[[str], Awaitable[S]], turned: Callable[[S, str], Awaitable[bool]]
    ) -> None:
        self._opening = opening
        self._turned = turned
        self._turn = asyncio.Lock()
        self._session: S | None = None

    @asynccontextmanager
    async def use(self, database: str = "") -> AsyncIterator[S]:
        """The session, for as long as the block lasts; the next user waits.

        Raises ConnectError when it cannot be opened, and the engine's own errors for a database that cannot be used.
        """
        async with self._turn:
            session = self._session
            if session is None or session.closed or not await self._turned(session, database):
                self._session = None
                if session is not None:
                    await session.close()
                session = self._session = await self._opening(database)
            yield session
