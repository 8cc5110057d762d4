"""The filter says only what is not wanted.

What it does
    Looks for filters of nothing but $ne, $nin and $not, where the plan was not run or looked at 1,000 documents or
    keys.

Why it matters
    Nearly all documents match, so an index saves nothing: all of its keys are walked.

Instead
    Name what is wanted ($in), add a field that narrows the search, or make a partial index of the wanted part.

When it is fine
    Nearly all documents are wanted.

See
    https://www.mongodb.com/docs/manual/reference/operator/query/ne/
    https://www.mongodb.com/docs/manual/core/index-partial/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.documents import asked_for, looked_at, predicates
from dbtui.rules.plan.tree import Hit, Tree

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ()
WHOLE = True
_NEGATIONS = frozenset({"$ne", "$nin", "$not"})


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    asked = asked_for(tree.plan)
    found = list(predicates(asked))
    others = [key for key in asked if key.startswith("$") and key not in ("$and", "$comment")]
    if not found or others or any(one.operator not in _NEGATIONS for one in found):
        return
    if tree.plan.analyzed and not tree.reaches("documents or keys looked at", looked_at(tree.plan), 1_000):
        return
    fields = ", ".join(dict.fromkeys(one.field for one in found))
    yield Hit(
        f"the filter only says what {fields} shall not be",
        "name what is wanted, or add a field that narrows the search",
        {"fields": fields, "looked_at": looked_at(tree.plan)},
    )
