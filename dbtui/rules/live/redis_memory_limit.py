"""The memory limit is near, or keys are already evicted for it.

What it does
    Compares used memory with maxmemory and watches the keys that are evicted.

Why it matters
    At the limit keys are thrown away, or with noeviction every write is refused.

Instead
    Find the large keys (schema pane), give keys an expiry, or raise maxmemory.

When it is fine
    A cache that is meant to be full: set the threshold for evictions to what it needs.

See
    https://redis.io/docs/latest/develop/reference/eviction/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.rules.live.words import hours
from dbtui.text import size

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "share", 0.9, "fraction", "of maxmemory that is used; a burst of writes takes the rest in seconds"
    ),
    Threshold("evictions", 1.0, "per second", "keys thrown away for want of memory"),
)
EXPORTS = {
    "redis": (
        "redis_memory_used_bytes > {share} * (redis_memory_max_bytes > 0) or "
        "rate(redis_evicted_keys_total[5m]) > {evictions}"
    ),
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    used, room, evicted = (
        scene.counter("used_memory"),
        scene.counter("maxmemory"),
        scene.speed("evicted_keys"),
    )
    share = used / room if used is not None and room else 0.0
    if share <= limits["share"] and evicted < limits["evictions"]:
        return
    growth = scene.speed("used_memory")
    left = (
        f", full in {hours((room - used) / growth)} at this speed"
        if room and used and growth > 1 and used < room
        else ""
    )
    yield Seen(
        f"{size(used)} of {size(room)} are used{left}"
        + (f"; {evicted:,.1f} keys a second are evicted" if evicted >= limits["evictions"] else ""),
        "find the large keys, give keys an expiry, or raise maxmemory",
        {"share": round(share, 3), "evicted_per_s": round(evicted, 2)},
        severity=Severity.ERROR if share >= 0.99 else None,
    )
