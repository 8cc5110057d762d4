"""What the session that runs a plan is made of in every engine."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Generic, Protocol, TypeVar

from dbtui.engines.admission import Admission
from dbtui.engines.base import RunSession
from dbtui.engines.claim import FileClaim
from dbtui.errors import QueryError, SessionLost
from dbtui.safety import Approval


class Endable(Protocol):
    """What is asked of a connection here."""

    async def close(self) -> None:
        """End it; never raises."""
        ...


S = TypeVar("S", bound=Endable)
R = TypeVar("R", bound=RunSession)


async def opened(session: R) -> R:
    """A session that stands, or nothing of it left behind. Raises what `reopen` raises."""
    try:
        await session.reopen()
    except BaseException:
        await session.close()
        raise
    return session


class Held(Generic[S]):
    """A session that is held for as long as a plan runs, and the gate before its writes. `name` is the connection's.

    The rest of `engines.base.RunSession` is the engine's.
    """

    def __init__(self, name: str) -> None:
        self._gate = Admission(name)
        self._connection: S | None = None

    @property
    def _open(self) -> S:
        if self._connection is None:
            raise SessionLost("the session of the plan is closed", "open it again")
        return self._connection

    def admitted(self, approval: Approval, scope: str) -> AbstractContextManager[None]:
        """See `engines.base.RunSession`."""
        return self._gate.through(approval, scope)

    async def _leave(self) -> None:
        """End the connection that stands, if one does."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def close(self) -> None:
        """End it; never raises."""
        await self._leave()


class HeldByFile(Held[S]):
    """On a server without a lock that a session holds: one runner at a time holds for this machine alone."""

    _claim: FileClaim | None = None  # set when it is known which server this is

    async def seize(self, *, patience: float = 2.0) -> str:
        """See `engines.base.RunSession`. Raises ConnectError."""
        assert self._claim is not None, "reopen() comes first"
        return await self._claim.seize(patience=patience)

    async def read(self, sql: str, *, timeout: float = 10.0) -> Sequence[tuple[str | None, ...]]:
        """Refused: such a server keeps no journal, and its conditions are asked elsewhere."""
        raise QueryError("nothing is asked over this session", "the query pane asks")

    async def close(self) -> None:
        """End it, and let others run a plan; never raises."""
        await super().close()
        if self._claim is not None:
            self._claim.release()
