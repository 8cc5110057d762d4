"""What the way to a server is made of in every engine that opens a session for each purpose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from dbtui.config import Target
from dbtui.engines.login import Login
from dbtui.engines.slots import Purpose, Seat, Slots
from dbtui.engines.tunnel import Tunnelled
from dbtui.model.server import Server

S = TypeVar("S", bound=Seat)


class BaseConnector(ABC, Generic[S]):
    """The way to one server: its login, its tunnel, and at most one session of each purpose."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._login = Login(target)
        self._tunnelled = Tunnelled(target.ssh)
        self._slots: Slots[S] = Slots(target.name)
        self._server: Server | None = None

    @abstractmethod
    async def _open(self, purpose: Purpose) -> S:
        """A new session; that of the monitor tells who answers, in `_server`."""

    @property
    def server(self) -> Server:
        """As the newest monitor session saw it."""
        assert self._server is not None, "connect() comes first"
        return self._server

    async def connect(self) -> Server:
        """Open the monitor session, which the first `open("monitor")` then hands out. Raises ConnectError."""
        await self._slots.begin(lambda: self._open("monitor"))
        return self.server

    async def open(self, purpose: Purpose) -> S:
        """A new session: see `Slots.open`. The password's source is asked each time.

        Raises ConnectError, AuthenticationError, NoSlotsLeft.
        """
        return await self._slots.open(purpose, lambda: self._open(purpose))

    async def close(self) -> None:
        """End all sessions and the tunnel, also what is just being opened; waits at most half a second."""
        await self._slots.close()
        self._tunnelled.close()
