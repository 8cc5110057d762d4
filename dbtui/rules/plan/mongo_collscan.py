"""A whole collection is read for a filter.

What it does
    Looks for COLLSCAN with a filter, and for scans of DocumentDB that no field narrows down. It is a warning
    where, in a plan that was run, 100 documents or more were read and at least half of them thrown away.

Why it matters
    The time grows with the collection, and documents that nobody asked for push others out of the cache.

Instead
    An index whose keys are the fields compared for equality, then those of the sort, then one range.

When it is fine
    The collection is small, or most of its documents are wanted.

See
    https://www.mongodb.com/docs/manual/core/query-optimization/
    https://www.mongodb.com/docs/manual/tutorial/equality-sort-range-guideline/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.documents import asked_for, documents, filter_of, index_for, sort_of
from dbtui.rules.plan.tree import Hit, Tree, ratio, rows, text
from dbtui.text import count, one_line

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ("COLLSCAN", "Seq Scan", "Bitmap Heap Scan")
_ALL = re.compile(r"\(shard_key_value = '[0-9]+'::bigint\)")  # what DocumentDB asks of _id_ to get all


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    asked = filter_of(node)
    said = text(node, "filter") or text(node, "Filter")
    searched = text(node, "Recheck Cond")
    if said in ("", "{}") or (searched and not _ALL.fullmatch(searched)):
        return
    read = documents(node)
    many = tree.plan.analyzed and tree.reaches("documents read", read, 100)
    few = tree.reaches("share of documents thrown away", 1 - ratio(rows(node), read), 0.5)
    told = f", {count(read)} documents for {count(rows(node))}" if tree.plan.analyzed else ""
    yield Hit(
        f"the whole of {node.relation} is read for {one_line(said, 60)}{told}",
        "index the fields compared for equality, then those of the sort, then one range",
        ({"documents_read": read, "documents": rows(node)} if tree.plan.analyzed else {}) | {"filter": said},
        index_for(node, asked or asked_for(tree.plan), sort_of(tree, node)),
        severity=Severity.WARNING if many and few else None,
    )
