"""The disk of a node fills up.

What it does
    Compares the used disk of the fullest node with its size, and says when it is full at the
    present speed.

Why it matters
    At the low watermark no new shards come to it, at the high one shards leave it, and at the
    flood stage its indices become read-only.

Instead
    Delete or move old indices (ILM), or add a node.

When it is fine
    A node that is being filled on purpose, with the watermarks set for it.

See
    https://www.elastic.co/guide/en/elasticsearch/reference/current/modules-cluster.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.rules.live.words import hours
from dbtui.text import size

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("share", 0.85, "fraction", "of the disk: the low watermark as it is shipped"),
    Threshold("flood", 0.95, "fraction", "of the disk: the flood stage as it is shipped"),
)
EXPORTS = {
    "elasticsearch": (
        "1 - elasticsearch_filesystem_data_available_bytes / "
        "elasticsearch_filesystem_data_size_bytes > {share}"
    ),
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    used, room = scene.counter("disk_used"), scene.counter("disk_total")
    if used is None or not room or used <= limits["share"] * room:
        return
    speed = scene.speed("disk_used")
    left = f", full in {hours((room - used) / speed)} at this speed" if speed > 1 else ""
    yield Seen(
        f"the fullest disk has {size(used)} of {size(room)}{left}",
        "delete or move old indices, or add a node",
        {"share": round(used / room, 3), "bytes_per_s": round(speed)},
        severity=Severity.ERROR if used > limits["flood"] * room else None,
    )
