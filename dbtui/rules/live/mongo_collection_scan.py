"""An operation reads a whole collection.

What it does
    Looks for operations that run longer than the threshold by a collection scan, as the
    server's own summary of the plan says. Where it tells no plan (FerretDB), by operations on
    a collection that has no index but that on _id.

Why it matters
    It reads every document, takes the cache from all others, and grows with the collection.

Instead
    Index the fields that it filters and sorts by.

When it is fine
    Small collections, and exports that want everything.

See
    https://www.mongodb.com/docs/manual/reference/operator/aggregation/currentOp/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.activity import Session
from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import duration, one_line

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("seconds", 2.0, "seconds", "that the operation has run: shorter ones read little"),
)
EXPORTS = {
    "mongodb": "rate(mongodb_ss_metrics_queryExecutor_collectionScans_total[5m]) > 0",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    found: dict[str, list[Session]] = {}
    for session in scene.sessions:
        if session.plan.startswith("COLLSCAN") and (session.query_age or 0.0) > limits["seconds"]:
            found.setdefault(session.query_id or one_line(session.query, 60), []).append(session)
    for alike in found.values():
        oldest = max(alike, key=lambda s: s.query_age or 0.0)
        many = f" ({len(alike)} at once)" if len(alike) > 1 else ""
        yield Seen(
            f"{oldest.application or oldest.user or 'a client'} reads a whole collection for "
            f"{duration(oldest.query_age)}{many}: {one_line(oldest.query, 120)}{_why(oldest.plan)}",
            "index what it filters by" + ("" if _why(oldest.plan) else "; e on the session shows the plan"),
            {"operations": len(alike), "oldest_s": round(oldest.query_age or 0.0, 1), "plan": oldest.plan},
            object=oldest.id,
        )


def _why(plan: str) -> str:
    """What the console saw where the server told no plan."""
    seen = plan.partition(": ")[2]
    return f" ({seen})" if seen else ""
