"""What ending an operation would undo and release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbtui.model.activity import Session, Stakes


def stakes_of(session: Session, operation: Mapping[str, Any] | None) -> Stakes:
    """Of an entry of $currentOp as it is now; killOp aborts a transaction's operation with the transaction."""
    locks = (operation or {}).get("locks")
    held = tuple(f"{mode} on {level}" for level, mode in locks.items()) if isinstance(locks, Mapping) else ()
    return Stakes(locks=held, cancel_frees=session.state == "active")
