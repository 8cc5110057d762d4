"""An index that another one already covers.

What it does
    Looks for CREATE INDEX where a known index of the table has the same columns, or starts with them.

Why it matters
    Every write maintains both; the second is never needed.

Instead
    Leave it out, or drop the other.

When it is fine
    The other is being replaced by this one.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("create index",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    index, known = action.index, step.table(action.relation)
    if index is None or known is None or index.partial or "" in index.columns:
        return
    for other in known.indexes:
        same_kind = not other.partial and (other.method or "btree") == (index.method or "btree")
        covers = other.columns[: len(index.columns)] == index.columns
        equal = other.columns == index.columns
        if (
            same_kind
            and other.name != index.name
            and ((covers and not index.unique) or (equal and other.unique))
        ):
            yield Hit(
                index.name or str(action.relation),
                f"{other.name} already starts with these columns",
                "leave it out",
            )
            return
