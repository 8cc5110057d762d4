"""A transaction has been open for long.

What it does
    Looks for the oldest open transaction of a client that still works in it.

Why it matters
    Old versions of rows are kept until it ends, and its locks too.

Instead
    Split long work into batches; read long reports from a replica.

When it is fine
    A dump or a report that is meant to take long.

See
    https://www.postgresql.org/docs/current/routine-vacuuming.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import duration

SEVERITY = Severity.INFO
ENGINES = ("postgres", "mysql", "mongodb", "sqlite")
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("seconds", 3600.0, "seconds", "of one transaction; backups and reports are the usual reason"),
)
EXPORTS = {
    "postgres": "dbtui_pg_oldest_transaction_seconds > {seconds}",
    "mysql": "dbtui_my_oldest_transaction_seconds > {seconds}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    old = [
        s
        for s in scene.sessions
        if (s.transaction_age or 0.0) > limits["seconds"]
        and not s.state.startswith("idle in transaction")
        and s.kind in ("client backend", "")
    ]
    if old:
        oldest = max(old, key=lambda s: s.transaction_age or 0.0)
        yield Seen(
            f"session {oldest.id} ({oldest.user} {oldest.application}) has had a transaction open for "
            f"{duration(oldest.transaction_age)}",
            "let it end, or cancel it when nobody waits for its result",
            {"oldest_s": round(oldest.transaction_age or 0.0), "sessions": len(old)},
            object=oldest.id,
        )
