"""Shards have no copy that is in service.

What it does
    Reads the cluster's health: red is a primary shard that nobody holds, yellow a copy that is
    missing.

Why it matters
    Of a red index a part cannot be searched or written; with yellow the next node that fails
    makes it red.

Instead
    The first shard is told with what refuses it; GET _cluster/allocation/explain says the same
    of every node.

When it is fine
    Yellow on a cluster of one node, which has nowhere to put copies.

See
    https://www.elastic.co/guide/en/elasticsearch/reference/current/red-yellow-cluster-status.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.activity import Unplaced
from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import one_line

SEVERITY = Severity.ERROR
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("unassigned", 0.0, "count", "shards without a node; yellow is told from here on, red always"),
)
EXPORTS = {
    "elasticsearch": "elasticsearch_cluster_health_unassigned_shards > {unassigned}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    red, missing = bool(scene.counter("red")), scene.counter("unassigned_shards") or 0.0
    if not red and missing <= limits["unassigned"]:
        return
    first = scene.health.unplaced
    yield Seen(
        _told(first, missing) + ("; a part of the data cannot be searched or written" if red else ""),
        "place it, or lift what refuses it; GET _cluster/allocation/explain says it of every node",
        {"unassigned": missing, "red": "yes" if red else "no"},
        ("GET _cluster/allocation/explain",),
        object=first.index if first is not None else None,
        severity=None if red else Severity.WARNING,
    )


def _told(first: Unplaced | None, missing: float) -> str:
    if first is None:
        return f"{missing:,.0f} shards have no node"
    name = f"{'primary' if first.primary else 'copy of'} shard {first.shard} of {first.index}"
    others = f"; {missing - 1:,.0f} more have none" if missing > 1 else ""
    return f"{name} has no node: {one_line(first.why, 300)}{others}"
