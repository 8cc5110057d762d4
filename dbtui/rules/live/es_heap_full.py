"""The heap of a node is nearly full.

What it does
    Compares the used heap of the fullest node with its size.

Why it matters
    The collector runs ever more often, then breakers trip and the node may leave the cluster.

Instead
    Look at fielddata, at the number of shards, and at aggregations; then give it more heap, at
    most half of the memory.

When it is fine
    Just before a collection: the figure swings by nature.

See
    https://www.elastic.co/guide/en/elasticsearch/reference/current/high-jvm-memory-pressure.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import size

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("share", 0.85, "fraction", "of the heap: above it the collector no longer frees enough"),
)
EXPORTS = {
    "elasticsearch": (
        'elasticsearch_jvm_memory_used_bytes{{area="heap"}} > {share} * '
        'elasticsearch_jvm_memory_max_bytes{{area="heap"}}'
    ),
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    used, room = scene.counter("heap_used"), scene.counter("heap_max")
    if used is not None and room and used > limits["share"] * room:
        yield Seen(
            f"the fullest heap has {size(used)} of {size(room)}; it collects garbage "
            f"{scene.speed('gc_seconds'):.0%} of the time",
            "look at fielddata, at the number of shards and at aggregations",
            {"share": round(used / room, 3), "gc_share": round(scene.speed("gc_seconds"), 3)},
        )
