"""Two indexes are read and intersected where one would do.

What it does
    Looks for BitmapAnd nodes.

Why it matters
    Both bitmaps are built in full before a row is read.

Instead
    One index on all the columns: equality first, then one range.

When it is fine
    The conditions come in many combinations, and single indexes serve them all.

See
    https://www.postgresql.org/docs/current/indexes-bitmap-scans.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.conditions import index_for
from dbtui.rules.plan.tree import Hit, Tree, text

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ("BitmapAnd",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    below = tree.children(node)
    heap = next((one for one in tree.ancestors(node) if one.operation == "Bitmap Heap Scan"), None)
    if not tree.reaches("indexes intersected", len(below), 2) or heap is None:
        return
    conditions = [text(child, "Index Cond") for child in below]
    yield Hit(
        f"{len(below)} indexes are intersected: {', '.join(child.index or child.operation for child in below)}",
        "make one index on all of their columns",
        {"indexes": float(len(below)), "total_ms": node.total_ms or 0.0},
        index_for(heap, *conditions),
        object=heap.relation,
    )
