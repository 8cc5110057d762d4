"""Shards have no copy that is in service.

What it does
    Reads the cluster's health: red is a primary shard that nobody holds, yellow a copy that is
    missing.

Why it matters
    Of a red index a part cannot be searched or written; with yellow the next node that fails
    makes it red.

Instead
    Ask why: GET _cluster/allocation/explain names the first shard that is not placed, and the
    reason.

When it is fine
    Yellow on a cluster of one node, which has nowhere to put copies.

See
    https://www.elastic.co/guide/en/elasticsearch/reference/current/red-yellow-cluster-status.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold

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
    yield Seen(
        f"{missing:,.0f} shards have no node"
        + (": an index cannot be searched or written in part" if red else ""),
        "ask GET _cluster/allocation/explain why the first of them is not placed",
        {"unassigned": missing, "red": "yes" if red else "no"},
        ("GET _cluster/allocation/explain",),
        severity=None if red else Severity.WARNING,
    )
