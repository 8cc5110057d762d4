"""A search runs far longer than a search should.

What it does
    Looks for searches that have run longer than the threshold, and tells the oldest with who
    sent it (X-Opaque-Id) and where it runs.

Why it matters
    Each of its shards holds a thread of the search pool; some such searches, and all others
    wait in the queue, until that is full and searches are rejected.

Instead
    Cancel it, then give such requests a `timeout`, fewer buckets, or a scroll of their own.

When it is fine
    Reports and exports that are meant to take this long.

See
    https://www.elastic.co/guide/en/elasticsearch/reference/current/tasks.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.activity import Session
from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import duration, one_line

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("seconds", 30.0, "seconds", "that a search has run: nobody waits for its answer so long"),
)


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    long = [s for s in searches(scene) if (s.query_age or 0.0) > limits["seconds"]]
    if long:
        oldest = long[0]
        others = f", and {len(long) - 1} more" if len(long) > 1 else ""
        yield Seen(
            f"{told(oldest)}{others}",
            "cancel it with x; give such requests a timeout",
            {"searches": len(long), "oldest_s": round(oldest.query_age or 0.0, 1)},
            object=oldest.id,
        )


def searches(scene: Scene) -> list[Session]:
    """The searches that run, the oldest first; not the parts of them that run on shards."""
    found = [s for s in scene.sessions if not s.leader and s.query.startswith(("GET ", "POST _query"))]
    return sorted(found, key=lambda s: -(s.query_age or 0.0))


def told(search: Session) -> str:
    """Who searches what for how long."""
    who = search.application or "a client that does not name itself"
    return (
        f"{who} searches for {duration(search.query_age)} on {search.client}: {one_line(search.query, 120)}"
    )
