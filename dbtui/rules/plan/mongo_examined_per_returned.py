"""Many documents or keys are looked at for each one that is returned.

What it does
    Looks for FETCH with a filter, and for index scans, that look at 100 or more and at more than ten for each that they
    return.

Why it matters
    What the index does not tell has to be fetched or walked, only to be dropped.

Instead
    Add the fields of the filter to the index; put fields compared for equality before those of the sort and of ranges.

When it is fine
    Other values of the same query return most of what they look at.

See
    https://www.mongodb.com/docs/manual/reference/explain-results/
    https://www.mongodb.com/docs/manual/tutorial/equality-sort-range-guideline/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.documents import asked_for, examined, filter_of, index_for, sort_of
from dbtui.rules.plan.tree import Hit, Tree, rows, text
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("FETCH", "IXSCAN", "CLUSTERED_IXSCAN")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    fetches = node.operation == "FETCH"
    if fetches and not filter_of(node):
        return
    seen = examined(node, "docsExamined" if fetches else "keysExamined") or 0.0
    what = "documents" if fetches else "keys"
    if not tree.reaches(f"{what} looked at", seen, 100):
        return
    if not tree.reaches(f"{what} for each one returned", seen / max(1.0, rows(node)), 10):
        return
    index = node.index or next((child.index for child in tree.children(node)), "")
    yield Hit(
        f"{count(seen)} {what} of {node.relation} are looked at for {count(rows(node))}",
        f"{index or 'the index'} wants the fields of the filter too, in the order equality, sort, range",
        {"examined": seen, "returned": rows(node), "index": index, "filter": text(node, "filter")},
        index_for(node, asked_for(tree.plan), sort_of(tree, node)),
    )
