"""Requests are rejected because a queue is full.

What it does
    Watches what thread pools and the indexing pressure reject over the last minutes.

Why it matters
    Each is a search or a write that failed, or that the client has to repeat.

Instead
    Send fewer and larger bulks, spread them over the nodes; look for slow searches that hold
    the pool.

When it is fine
    A short burst of a client that repeats by itself.

See
    https://www.elastic.co/guide/en/elasticsearch/reference/current/rejected-requests.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.es_long_search import searches
from dbtui.rules.live.es_long_search import told as of_search
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (Threshold("per_minute", 1.0, "count", "requests rejected a minute"),)
EXPORTS = {
    "elasticsearch": (
        "sum by (instance, type) (rate(elasticsearch_thread_pool_rejected_count[5m])) * 60 >= {per_minute}"
    ),
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    kinds = {
        "searches": "rejected_search",
        "writes": "rejected_write",
        "others": "rejected_other",
        "by indexing pressure": "pressure_rejections",
    }
    rates = {kind: scene.speed(name) * 60 for kind, name in kinds.items()}
    if sum(rates.values()) >= limits["per_minute"]:
        told = ", ".join(f"{rate:,.0f} {kind}" for kind, rate in rates.items() if rate >= 0.5)
        held = searches(scene) if rates["searches"] >= 0.5 else []
        yield Seen(
            f"rejected a minute: {told}" + (f"; the pool is held: {of_search(held[0])}" if held else ""),
            "send fewer and larger bulks; cancel the searches that hold the pool",
            {kind: round(rate, 1) for kind, rate in rates.items()},
            object=held[0].id if held else None,
        )
