"""Collecting hits and aggregating takes more time than finding them.

What it does
    Looks for collectors and aggregators that take more than half of the time of the slowest shard, and at least 10 ms.

Why it matters
    Their work grows with the number of hits, not with the number of results: each hit is put into its buckets.

Instead
    Aggregate on keyword or numeric fields, with eager_global_ordinals where terms are asked for often; narrow the
    query; fewer levels of buckets; size 0, so that the answer can come from the request cache.

When it is fine
    The aggregation is what is wanted, and it is rare.

See
    https://www.elastic.co/guide/en/elasticsearch/reference/current/search-profile.html
    https://www.elastic.co/guide/en/elasticsearch/reference/current/eager-global-ordinals.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import milliseconds

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ("search",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    shard = max(tree.children(node), key=lambda one: one.total_ms or 0.0)
    collecting = [one for one in tree.children(shard) if "reason" in one.raw or "collect_count" in one.raw]
    if not collecting or not shard.total_ms:
        return
    spent = sum(one.total_ms or 0.0 for one in collecting)
    share = spent / shard.total_ms
    if not tree.reaches("ms of collecting", spent, 10) or not tree.reaches("share of the shard", share, 0.5):
        return
    slowest = max(collecting, key=lambda one: one.total_ms or 0.0)
    yield Hit(
        f"collecting and aggregating take {milliseconds(spent)}, {share * 100:.0f} % of {shard.label}",
        "narrow the query, aggregate on fields with doc values, or ask for size 0 and let it be cached",
        {"collecting_ms": spent, "share": share},
        object=shard.relation,
        node=slowest.id,
    )
