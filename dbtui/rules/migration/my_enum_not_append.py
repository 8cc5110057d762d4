"""Values of an ENUM or SET are inserted, moved or removed.

What it does
    Looks for a new list of values that does not begin with the old one.

Why it matters
    Each row's number must be changed: the table is copied.

Instead
    Add values at the end only.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("change column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    known = step.table(action.relation)
    old = known.columns.get(action.name) if known else None
    new = action.column
    if old is None or new is None or step.fresh(action.relation) or not old.type.members:
        return
    was, now = old.type.members, new.type.members
    if now and now[: len(was)] != was:
        yield Hit(
            str(action.relation),
            f"the values of {action.name} get other numbers: all rows are copied",
            "add at the end",
        )
