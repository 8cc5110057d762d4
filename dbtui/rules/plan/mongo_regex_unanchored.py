"""A regular expression says nothing of how the value begins.

What it does
    Looks for $regex without a leading ^, or without regard to case, in the filter of the query, where the plan was not
    run or looked at 100 documents or keys.

Why it matters
    An index finds only what begins alike: all of its keys, or all documents, are compared.

Instead
    Anchor it with ^ and keep case; a collation without case for equality; a text or search index for words.

When it is fine
    Other fields of the filter leave few documents.

See
    https://www.mongodb.com/docs/manual/reference/operator/query/regex/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.documents import asked_for, is_anchored, looked_at, predicates
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import one_line

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()
WHOLE = True


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    found = [
        one for one in predicates(asked_for(tree.plan)) if one.operator == "$regex" and not is_anchored(one)
    ]
    if not found:
        return
    if tree.plan.analyzed and not tree.reaches("documents or keys looked at", looked_at(tree.plan), 100):
        return
    for one in found:
        yield Hit(
            f"{one.field} is compared with /{one_line(str(one.value), 40)}/{one.options}, which no index narrows down",
            "anchor it with ^, or make a text index",
            {"field": one.field, "pattern": str(one.value), "options": one.options},
        )
