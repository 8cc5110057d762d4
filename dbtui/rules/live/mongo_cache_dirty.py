"""The cache holds more unwritten data than the server wants.

What it does
    Compares the dirty bytes of WiredTiger's cache with its size, and watches whether clients
    have to evict pages themselves.

Why it matters
    From 20 % dirty on, and when clients evict, each operation does the work of the background
    threads first: latency grows for all.

Instead
    Write less at once, give the disk more room to write, or the cache more memory.

When it is fine
    A bulk load.

See
    https://www.mongodb.com/docs/manual/core/wiredtiger/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import size

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("share", 0.2, "fraction", "of the cache that is dirty: from here on clients help to evict"),
    Threshold(
        "evictions", 10.0, "per second", "pages that clients evict themselves; in health there are none"
    ),
)
EXPORTS = {
    "mongodb": (
        "mongodb_ss_wt_cache_tracked_dirty_bytes_in_the_cache > {share} * "
        "mongodb_ss_wt_cache_maximum_bytes_configured"
    ),
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    dirty, room = scene.counter("cache_dirty"), scene.counter("cache_limit")
    evicted = scene.speed("app_evictions")
    share = dirty / room if dirty is not None and room else 0.0
    if share > limits["share"] or evicted > limits["evictions"]:
        yield Seen(
            f"{share:.0%} of the cache is dirty; clients evict {evicted:,.0f} pages a second themselves",
            "write less at once, or look at the disk's latency",
            {"dirty_share": round(share, 3), "evicted_per_s": round(evicted, 1), "dirty": size(dirty)},
        )
