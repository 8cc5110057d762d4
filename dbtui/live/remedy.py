"""What would free those who wait behind a session: cancelling its statement, or only ending it."""

from __future__ import annotations

from dbtui.live.blocking import Blocked

PREPARED_KIND = "prepared transaction"
# Where a cancelled statement gives back the locks of its whole transaction: PostgreSQL aborts the transaction
# (AbortTransaction in xact.c releases them before ROLLBACK comes), MongoDB's killOp ends it.
_ABORTS = frozenset({"PostgreSQL", "MongoDB"})


def frees(line: Blocked, product: str) -> str:
    """One clause for a session that others wait behind; "" for one that nobody waits behind."""
    if not line.waiting:
        return ""
    count = str(line.waiting)
    session = line.session
    if session.kind == PREPARED_KIND:
        return f"ROLLBACK PREPARED or COMMIT PREPARED frees {count}"
    if product == "SQLite":
        return f"only its own program can free {count}"
    if product == "FerretDB":  # it has no killOp, and names operations by the processes of its PostgreSQL
        return f"only pg_cancel_backend({session.id}) in its PostgreSQL frees {count}"
    if session.state != "active":
        return f"cancel frees 0, terminate {count}"
    if session.blocked_by:
        return "waits itself: free its blocker first"
    if product in _ABORTS or session.transaction_age is None:
        return f"cancel frees {count}"
    return f"cancel keeps its locks, terminate frees {count}"
