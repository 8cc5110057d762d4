"""One part of the query takes most of a shard's time.

What it does
    Looks for a query, or the rewriting before it, that takes by itself at least 40 % of the time of the slowest shard
    and 10 ms, and says which part of its work that is.

Why it matters
    build_scorer and rewrite are spent before the first hit, by wildcards, prefixes, ranges and long lists of terms;
    next_doc and advance on visiting documents; score and match on judging each of them.

Instead
    What needs no score belongs into filter, where it can be cached. A wildcard or a range over text wants a field made
    for it (keyword, wildcard, search_as_you_type). Judge only the best hits, by rescore.

When it is fine
    The search is rare, or it has to look at that many documents.

See
    https://www.elastic.co/guide/en/elasticsearch/reference/current/search-profile.html
    https://www.elastic.co/guide/en/elasticsearch/reference/current/tune-for-search-speed.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, number
from dbtui.text import milliseconds

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("search",)
_SHARE = 0.4
_PARTS = {
    "build_scorer": "it is spent before the first hit: give the field an index made for this kind of search",
    "create_weight": "it is spent before the first hit: fewer terms, or a filter that can be cached",
    "next_doc": "it visits many documents: put what needs no score into filter, and narrow it down",
    "advance": "it visits many documents: put what needs no score into filter, and narrow it down",
    "score": "it judges many documents: rescore only the best, or leave the score out",
    "match": "it looks at positions or scripts of many documents: rescore only the best",
    "rewrite": "it expands wildcards, prefixes or fuzzy terms: narrow them, or use a field made for it",
}


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    shard = max(tree.children(node), key=lambda one: one.total_ms or 0.0)
    queries = [
        one for one in _below(tree, shard) if one.operation == "rewrite" or "create_weight_count" in one.raw
    ]
    if not queries or not shard.total_ms:
        return
    slowest = max(queries, key=lambda one: one.self_ms or 0.0)
    spent = slowest.self_ms or 0.0
    share = spent / shard.total_ms
    if not tree.reaches("ms of one part", spent, 10) or not tree.reaches("share of the shard", share, _SHARE):
        return
    part = (
        "rewrite" if slowest.operation == "rewrite" else max(_PARTS, key=lambda name: number(slowest, name))
    )
    yield Hit(
        f"{slowest.operation} takes {milliseconds(spent)}, {share * 100:.0f} % of its shard, most of it in {part}",
        _PARTS[part],
        {"self_ms": spent, "share": share, "part": part},
        object=shard.relation,
        node=slowest.id,
    )


def _below(tree: Tree, node: PlanNode) -> Iterator[PlanNode]:
    for child in tree.children(node):
        yield child
        yield from _below(tree, child)
