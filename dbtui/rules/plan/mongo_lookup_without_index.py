"""A $lookup reads the other collection for each document.

What it does
    Looks for $lookup that scanned its collection (collectionScans, or a join by nested loops or by a hash), in a plan
    that was run.

Why it matters
    The other collection is read once for each document that comes in.

Instead
    An index on foreignField in the other collection, as its first key.

When it is fine
    The other collection has a handful of documents.

See
    https://www.mongodb.com/docs/manual/reference/operator/aggregation/lookup/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.documents import lookup_of
from dbtui.rules.plan.tree import Hit, Tree, number, text
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("$lookup", "EQ_LOOKUP", "EQ_LOOKUP_UNWIND")
_SCANNING = frozenset({"NestedLoopJoin", "HashJoin"})


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    scans = number(node, "collectionScans")
    strategy = text(node, "strategy")
    if strategy not in _SCANNING and not tree.reaches("scans of the other collection", scans, 1):
        return
    other, field = lookup_of(node)
    how = f"{count(scans)} times" if scans else f"by {strategy}"
    yield Hit(
        f"{other or 'the other collection'} is scanned {how}, without an index on {field or 'foreignField'}",
        "make foreignField the first key of an index",
        {
            "collection_scans": scans,
            "documents_read": number(node, "totalDocsExamined"),
            "from": other,
            "field": field,
            "strategy": strategy,
        },
        (f'db.getCollection("{other}").createIndex({{"{field}": 1}});',) if other and field else (),
        object=other,
    )
