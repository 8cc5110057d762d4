"""A CHECK is added and proved in one step.

What it does
    Looks for ADD CONSTRAINT … CHECK without NOT VALID.

Why it matters
    All rows are read under AccessExclusiveLock.

Instead
    Add it as NOT VALID, which is instant, then VALIDATE CONSTRAINT, which lets others read and write.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.sequences import not_valid_then_validate
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add constraint",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    made = action.constraint
    if (
        made is None
        or made.kind != "check"
        or not made.valid
        or not made.enforced
        or step.fresh(action.relation)
    ):
        return
    yield Hit(
        str(action.relation),
        f"all of {action.relation} is read under AccessExclusiveLock",
        "add it as NOT VALID, then validate it in another transaction",
        not_valid_then_validate(action),
    )
