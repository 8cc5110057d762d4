"""An exclusion constraint is added to a table in use.

What it does
    Looks for ADD CONSTRAINT … EXCLUDE.

Why it matters
    Its index is built under AccessExclusiveLock, and there is neither NOT VALID nor USING INDEX for it.

Instead
    A new table with the constraint and a copy in batches, or a quiet hour.

When it is fine
    The table was made in the same file, or is tiny.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add constraint",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if (
        action.constraint is not None
        and action.constraint.kind == "exclude"
        and not step.fresh(action.relation)
    ):
        yield Hit(
            str(action.relation),
            f"its index is built while {action.relation} is locked against everybody, and there is no other way",
            "copy into a new table that has the constraint, or take a quiet hour",
        )
