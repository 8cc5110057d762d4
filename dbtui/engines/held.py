"""What the session that runs a plan is made of in every engine."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Generic, TypeVar

from dbtui.engines.admission import Admission
from dbtui.engines.base import RunSession
from dbtui.engines.work import Closable
from dbtui.errors import SessionLost
from dbtui.safety import Approval

S = TypeVar("S", bound=Closable)
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

    async def close(self) -> None:
        """End it; never raises."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
