"""The session that an engine's monitor asks on, and what it has cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from dbtui.model.snapshot import Cost


class Counted(Protocol):
    """A session that counts what it has caused."""

    @property
    def counters(self) -> Cost: ...


C = TypeVar("C", bound=Counted)


class Watch(Generic[C]):
    """A session that is opened when first asked for. `begin` hears of each new one: it may be another server's."""

    def __init__(self, opening: Callable[[], Awaitable[C]], begin: Callable[[C], None]) -> None:
        self._opening = opening
        self._begin = begin
        self._session: C | None = None
        self._spent = Cost()

    @property
    def cost(self) -> Cost:
        """What all sessions so far have caused."""
        now = self._session.counters if self._session is not None else Cost()
        return Cost(self._spent.statements + now.statements, self._spent.server_seconds + now.server_seconds)

    async def session(self) -> C:
        """The session that stands, opened where there is none. Raises ConnectError."""
        if self._session is None:
            session = await self._opening()
            self._begin(session)
            self._session = session
        return self._session

    def release(self) -> C | None:
        """Forget the session, but not what it has cost; whoever asks has to end it, if its opener does not."""
        self._spent = self.cost
        session, self._session = self._session, None
        return session
