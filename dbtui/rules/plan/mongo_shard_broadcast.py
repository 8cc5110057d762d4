"""Shards are asked that have nothing to give.

What it does
    Looks for a query that several shards ran, at least one of which returned no document while another did.

Why it matters
    Without the shard key in its filter a query goes to all shards: it is as slow as the slowest, and each shard more
    makes it dearer.

Instead
    Put the shard key, or its leading fields, into the filter.

When it is fine
    The query is rare, or the shard that has nothing today has something tomorrow.

See
    https://www.mongodb.com/docs/manual/core/sharded-cluster-query-router/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, rows

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ()


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    shards = [child for child in tree.children(node) if child.relationship == "Shard"]
    if len(shards) < 2 or not any(rows(shard) for shard in shards):
        return
    idle = [shard.subplan for shard in shards if not rows(shard)]
    if not tree.reaches("shards without a document", len(idle), 1):
        return
    yield Hit(
        f"{len(idle)} of {len(shards)} shards are asked for nothing: {', '.join(idle)}",
        "put the shard key into the filter",
        {"shards": len(shards), "idle": ", ".join(idle)},
    )
