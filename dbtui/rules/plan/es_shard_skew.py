"""One shard takes much longer than the others.

What it does
    Looks for a shard that takes more than three times as long as the median of the shards, and at least 10 ms.

Why it matters
    A search is as slow as its slowest shard: the others wait for it.

Instead
    Look at what that shard has more of: documents (custom routing), deleted documents, or a busy node. Move it, force
    merge an index that is no longer written, or route more evenly.

When it is fine
    The data is skewed on purpose, and searches name their routing.

See
    https://www.elastic.co/guide/en/elasticsearch/reference/current/size-your-shards.html
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import milliseconds

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("search",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    shards = [shard for shard in tree.children(node) if shard.operation == "shard"]
    if len(shards) < 2:
        return
    slowest = max(shards, key=lambda shard: shard.total_ms or 0.0)
    longest = slowest.total_ms or 0.0
    usual = median(shard.total_ms or 0.0 for shard in shards if shard is not slowest)
    if not tree.reaches("ms of the slowest shard", longest, 10) or not tree.reaches(
        "times the median of the others", longest / usual if usual else 0.0, 3
    ):
        return
    on = str(slowest.raw.get("node") or "its node")
    yield Hit(
        f"{slowest.label} takes {milliseconds(longest)}, the others {milliseconds(usual)} in the median",
        f"see what it has more of, or what else {on} does",
        {"slowest_ms": longest, "median_ms": usual, "shards": len(shards)},
        object=slowest.relation,
        node=slowest.id,
    )
