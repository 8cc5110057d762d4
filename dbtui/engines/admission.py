"""The gate of a session that runs a plan: it writes only while a step of that plan is approved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbtui.errors import NotApproved
from dbtui.safety import Approval


class Admission:
    """Open inside `through`, closed outside of it."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._open = False

    @contextmanager
    def through(self, approval: Approval, scope: str) -> Iterator[None]:
        """Open the gate for the block. Raises NotApproved, Forbidden."""
        approval.check(self._connection, scope)
        self._open = True
        try:
            yield
        finally:
            self._open = False

    def check(self) -> None:
        """Raise NotApproved unless a step is being run."""
        if not self._open:
            raise NotApproved("no step of a plan is approved", "approve the step that is to run")
