"""A $or has a branch without an index.

What it does
    Looks for a COLLSCAN whose filter has $or.

Why it matters
    Indexes serve a $or only if each of its branches has one: a single branch without makes it a scan.

Instead
    One index for each branch, behind the fields that hold for all of them; $in instead of $or over one field.

When it is fine
    The collection is small.

See
    https://www.mongodb.com/docs/manual/reference/operator/query/or/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.documents import branches, collection, documents, filter_of, predicates
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import count

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ("COLLSCAN",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    found = branches(filter_of(node))
    if not tree.reaches("branches of $or", len(found), 2):
        return
    fields = [", ".join(dict.fromkeys(one.field for one in predicates(branch))) for branch in found]
    read = documents(node)
    yield Hit(
        f"{len(found)} branches of $or are answered by reading all of {collection(node)}",
        f"one index for each branch: {'; '.join(dict.fromkeys(filter(None, fields)))}",
        {"branches": len(found), "documents_read": read, "fields": count(len(set(fields)))},
        severity=Severity.WARNING if tree.plan.analyzed and read >= 100 else None,
    )
