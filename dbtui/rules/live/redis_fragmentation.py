"""Much more memory is taken than the data need.

What it does
    Compares the resident memory with what was allotted, for data sets of some size.

Why it matters
    The host runs out of memory before maxmemory is reached.

Instead
    Switch active defragmentation on, or restart the replica and fail over to it.

When it is fine
    Shortly after many keys were deleted.

See
    https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold

SEVERITY = Severity.INFO
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("ratio", 1.5, "count", "resident memory for each byte that was allotted"),
)
EXPORTS = {
    "redis": "redis_mem_fragmentation_ratio > {ratio}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    ratio = scene.counter("fragmentation")
    if ratio is not None and ratio > limits["ratio"]:
        yield Seen(
            f"the data take {ratio:.1f} times their size in memory",
            "switch activedefrag on",
            {"ratio": round(ratio, 2), "resident": scene.counter("used_memory_rss") or 0},
            ("CONFIG SET activedefrag yes",),
        )
