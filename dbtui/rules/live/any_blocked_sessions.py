"""Sessions wait for a lock behind one that does not let go.

What it does
    Closes the graph of who waits for whom and looks for its roots: sessions that others wait
    for while they wait for nobody, once somebody has waited long enough behind them.

Why it matters
    Everyone behind the root stands still, and each new statement on the same rows or table
    joins the queue. Ending a waiter helps nobody; only the root does.

Instead
    Let the root commit. Where it rests inside a transaction, ask its owner, then terminate it:
    a rest has no statement that could be cancelled.

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
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
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
        session = root.session
        who = (
            f"{session.id} ({' · '.join(filter(None, (session.user, session.application, session.client)))})"
        )
        resting = session.state.startswith("idle in transaction")
        metadata = any(word in root.waits_on.lower() for word in ("metadata", "relation"))
        yield Seen(
            f"{root.waiting} wait behind session {who}: it {_does(session)}; the longest for {duration(root.longest)}",
            _advice(session, resting),
            {
                "waiting": root.waiting,
                "longest_s": round(root.longest, 1),
                "waits_on": root.waits_on,
                "kind": "table lock" if metadata else "lock",
                "last_statement": one_line(session.query, 200),
            },
            object=session.id,
        )


def _does(session: Session) -> str:
    if session.kind == "prepared transaction":
        return f"is a prepared transaction, open for {duration(session.transaction_age)}"
    if session.state.startswith("idle in transaction"):
        since = f"has rested in a transaction for {duration(session.state_age)}"
        return f"{since} after {one_line(session.query, 80)}" if session.query else since
    if session.query:
        return f"runs {one_line(session.query, 80)} for {duration(session.query_age)}"
    return f"is {session.state or 'hidden'}"


def _advice(session: Session, resting: bool) -> str:
    if session.kind == "prepared transaction":
        return "commit or roll it back by its name"
    if resting:
        return "it runs nothing that could be cancelled: have it committed, or terminate it with X"
    return "cancel its statement with x; where that frees nobody, terminate it with X"
