"""A long list of values is searched.

What it does
    Looks for $in with more than 200 values.

Why it matters
    Each value is a descent of the index of its own; with a sort, up to 200 streams in its order are merged
    (internalQueryMaxScansToExplode), and beyond that everything is sorted in memory.

Instead
    Ask in portions, keep the list in a collection and $lookup it, or store what the list stands for as a field.

When it is fine
    It is a batch by _id, and runs rarely.

See
    https://www.mongodb.com/docs/manual/reference/operator/query/in/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.documents import asked_for, predicates
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import count

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ()
WHOLE = True


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    for one in predicates(asked_for(tree.plan)):
        if one.operator != "$in" or not isinstance(one.value, list):
            continue
        if tree.reaches("values of $in", len(one.value), 201):
            yield Hit(
                f"{count(len(one.value))} values of {one.field} are searched",
                "ask in portions, or join a collection that holds them",
                {"field": one.field, "values": len(one.value)},
            )
