"""Sessions wait for a lock behind one that does not let go.

What it does
    Closes the graph of who waits for whom and looks for its roots: sessions that others wait
    for while they wait for nobody, once somebody has waited long enough behind them.

Why it matters
    Everyone behind the root stands still, and each new statement on the same rows or table
    joins the queue. Ending a waiter helps nobody; only the root does. A table's lock is the
    exception: a change of it that waits for a reader stops all who come after it, who would
    not mind the reader.

Instead
    Let the root commit. Where it rests inside a transaction, ask its owner, then terminate it:
    a rest has no statement that could be cancelled. Cancel a change that waits, and run it with
    a short lock timeout.

When it is fine
    Short waits are how rows are kept consistent.

See
    https://www.postgresql.org/docs/current/view-pg-locks.html
    https://dev.mysql.com/doc/refman/8.4/en/innodb-locking.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.activity import Session
from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Root, Scene, Seen, Threshold
from dbtui.text import duration, one_line

SEVERITY = Severity.ERROR
ENGINES = ("postgres", "mysql", "mongodb", "sqlite")
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("seconds", 5.0, "seconds", "how long somebody has waited; shorter waits belong to normal work"),
    Threshold("waiters", 1, "count", "how many wait behind one root"),
)
EXPORTS = {
    "postgres": "dbtui_pg_longest_lock_wait_seconds > {seconds}",
    "mysql": "dbtui_my_longest_row_wait_seconds > {seconds}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    for root in scene.roots:
        if root.longest < limits["seconds"] or root.waiting < limits["waiters"]:
            continue
        yield Seen(
            f"{root.waiting} wait behind session {_told(root)}; the longest for {duration(root.longest)}",
            _advice(root, scene.product),
            {
                "waiting": root.waiting,
                "longest_s": round(root.longest, 1),
                "waits_on": root.waits_on,
                "kind": "table lock" if _is_of_a_table(root) else "lock",
                "last_statement": one_line(root.session.query, 200),
            },
            object=root.session.id,
        )


def _told(root: Root) -> str:
    """Who the root is and what it does, the cause first; and who makes the queue behind it, for a table's lock."""
    session, gate = root.session, root.gate
    who = " · ".join(filter(None, (session.user, session.application, session.client)))
    said = f"{session.id}, {_does(session)}" + (f" ({who})" if who else "")
    if session.query and session.kind != "prepared transaction":
        said += f": {one_line(session.query, 80)}"
    if gate is not None and _is_of_a_table(root):
        said += f"; {root.behind_gate} of them behind {gate.id}, which waits too: {one_line(gate.query, 80)}"
    return said


def _does(session: Session) -> str:
    if session.kind == "prepared transaction":
        return f"a prepared transaction, open for {duration(session.transaction_age)}"
    if session.state.startswith("idle in transaction"):
        return f"idle in a transaction for {duration(session.state_age)}"
    if session.query:
        return f"running for {duration(session.query_age)}"
    return session.state or "hidden"


def _is_of_a_table(root: Root) -> bool:
    """Whether it is waited for in a queue: who comes later waits for those before, though not for the root."""
    return any(word in root.waits_on.lower() for word in ("metadata", "relation"))


def _advice(root: Root, product: str) -> str:
    session = root.session
    if product == "SQLite":
        return "only its own program can let go"
    if product == "FerretDB":
        return (
            f"it has no killOp: SELECT pg_cancel_backend({session.id}) in its PostgreSQL stops the operation"
        )
    if session.kind == "prepared transaction":
        return "commit or roll it back by its name"
    if root.gate is not None and _is_of_a_table(root):
        return (
            f"cancel {root.gate.id} with x, and those behind it go on; it can have its lock once {session.id} has"
            " ended"
        )
    if session.state.startswith("idle in transaction"):
        return "it runs nothing that could be cancelled: have it committed, or terminate it with X"
    return "cancel its statement with x; where that frees nobody, terminate it with X"
