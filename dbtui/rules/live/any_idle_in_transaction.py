"""A session is idle inside an open transaction.

What it does
    Looks for sessions that run nothing but have not ended their transaction for a while.

Why it matters
    It keeps its locks, and the old versions of rows that it may still want to see: vacuum and
    purge leave them until it ends, everywhere on the server.

Instead
    Commit at the end of the work, not after the next request. Set
    idle_in_transaction_session_timeout on PostgreSQL, wait_timeout on MySQL.

When it is fine
    A person at a prompt who knows of it.

See
    https://www.postgresql.org/docs/current/runtime-config-client.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import duration

SEVERITY = Severity.WARNING
ENGINES = ("postgres", "mysql", "mongodb")
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "seconds",
        300.0,
        "seconds",
        "of rest; an application that waits for a user inside a transaction is a bug",
    ),
)
EXPORTS = {
    "postgres": "dbtui_pg_longest_idle_in_transaction_seconds > {seconds}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    resting = [
        s
        for s in scene.sessions
        if s.state.startswith("idle in transaction") and (s.state_age or 0.0) > limits["seconds"]
    ]
    if not resting:
        return
    oldest = max(resting, key=lambda s: s.state_age or 0.0)
    others = f", and {len(resting) - 1} more" if len(resting) > 1 else ""
    holds = f" and holds back {oldest.holds_back:,} transactions of vacuum" if oldest.holds_back else ""
    yield Seen(
        f"session {oldest.id} ({oldest.user} {oldest.application}) has rested in a transaction for "
        f"{duration(oldest.state_age)}{holds}{others}",
        "have it committed or terminate it; then set a limit for such rests",
        {
            "sessions": len(resting),
            "oldest_s": round(oldest.state_age or 0.0),
            "holds_back": oldest.holds_back or 0,
            "history_list": scene.counter("history_list") or 0,
        },
        object=oldest.id,
    )
