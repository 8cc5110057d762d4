"""Documents are sorted in memory, or on disk.

What it does
    Looks for SORT stages and $sort, but not for the merge of sorted streams, nor for the order of what $group made. It
    is a warning where 10,000 documents or more are sorted, or the disk was used.

Why it matters
    No document is given before all are sorted, and beyond 100 MB the sort goes to disk or fails.

Instead
    An index with the fields compared for equality first and the sort's behind them.

When it is fine
    The filter leaves few documents.

See
    https://www.mongodb.com/docs/manual/tutorial/sort-results-with-indexes/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.documents import asked_for, index_for, sort_of
from dbtui.rules.plan.tree import Hit, Tree, rows
from dbtui.text import count

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ("SORT", "SORT_DEFAULT", "SORT_SIMPLE", "$sort", "Sort")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    below = _below(tree, node)
    disk = node.raw.get("usedDisk") is True
    grouped = any(one.operation in ("$group", "GROUP", "Aggregate") for one in below)
    if grouped and not disk:
        return
    given = sum(rows(child) for child in tree.children(node))
    many = tree.reaches("documents sorted", given, 10_000)
    source = next((one for one in below if one.relation), node)
    yield Hit(
        (f"{count(given)} documents are" if tree.plan.analyzed else "the documents are")
        + f" sorted {'on disk' if disk else 'in memory'}",
        "an index gives them in this order, behind the fields compared for equality",
        {"documents": given, "used_disk": "yes" if disk else "no"},
        () if grouped else index_for(source, asked_for(tree.plan), sort_of(tree, source)),
        object=source.relation,
        severity=Severity.WARNING if many or disk else None,
    )


def _below(tree: Tree, node: PlanNode) -> list[PlanNode]:
    """All nodes below one: in preorder they follow it."""
    found = []
    for other in tree.nodes[node.id + 1 :]:
        if other.depth <= node.depth:
            break
        found.append(other)
    return found
