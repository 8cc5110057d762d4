"""Sessions wait for a lock, and the server does not tell who holds it.

What it does
    Looks for sessions that wait for a lock while nobody is known to be in their way, and names
    the transaction that most probably is: the one in the same database that was open before
    they began to wait, the oldest first.

Why it matters
    They stand still like any that are blocked, but no tree shows behind whom. MariaDB tells of
    metadata locks only with performance_schema and one of its instruments; both are off as it
    is shipped.

Instead
    Ask the owner of the transaction that is named; have the server tell next time: its
    notes in the schema pane say how.

When it is fine
    Never for long.

See
    https://mariadb.com/docs/server/reference/system-tables/performance-schema/performance-schema-tables/performance-schema-metadata_locks-table
    https://dev.mysql.com/doc/refman/8.4/en/performance-schema-metadata-locks-table.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbtui.model.activity import Session
from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import duration, one_line

SEVERITY = Severity.WARNING
ENGINES = ("postgres", "mysql", "mongodb")
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("seconds", 5.0, "seconds", "how long somebody has waited; shorter waits belong to normal work"),
)


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    waiting = [s for s in scene.sessions if s.stranded]
    longest = max((s.query_age or 0.0 for s in waiting), default=0.0)
    if not waiting or longest < limits["seconds"]:
        return
    suspect = _suspect(scene.sessions, waiting, longest)
    wait = waiting[0].wait
    probably = f"probably for {_said(suspect)}; " if suspect is not None else ""
    yield Seen(
        f"{len(waiting)} wait for a lock, {probably}who holds it is not told"
        f" ({wait}, the longest for {duration(longest)})",
        "ask its owner, then end it with X"
        if suspect is not None
        else "the notes on the server in the schema pane (3) say how to have it told",
        {"waiting": len(waiting), "longest_s": round(longest, 1), "waits_on": wait},
        object=suspect.id if suspect is not None else None,
    )


def _suspect(sessions: Sequence[Session], waiting: Sequence[Session], longest: float) -> Session | None:
    """The oldest transaction that was open before they began to wait, where they wait."""
    ids, databases = {s.id for s in waiting}, {s.database for s in waiting}
    open_ = [
        s
        for s in sessions
        if s.id not in ids and s.database in databases and (s.transaction_age or 0.0) >= longest - 1.0
    ]
    return max(open_, key=lambda s: s.transaction_age or 0.0, default=None)


def _said(session: Session) -> str:
    who = " · ".join(filter(None, (session.user, session.application, session.client)))
    does = f": {one_line(session.query, 80)}" if session.query else ""
    since = duration(session.transaction_age)
    return f"{session.id} ({who}), whose transaction is open for {since}{does}"
