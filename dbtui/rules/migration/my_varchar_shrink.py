"""A VARCHAR is made shorter.

What it does
    Looks for a VARCHAR with a smaller length than before.

Why it matters
    The table is copied, and values that are longer make it fail, or are cut where sql_mode is not
    strict.

Instead
    Leave it as long as it is; check the length in the program or by a CHECK.

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
    if (
        old is None
        or new is None
        or step.fresh(action.relation)
        or old.type.name != "varchar"
        or new.type.name != "varchar"
    ):
        return
    if old.type.modifiers and new.type.modifiers and int(new.type.modifiers[0]) < int(old.type.modifiers[0]):
        yield Hit(
            str(action.relation),
            f"{action.name} is made shorter: all of {action.relation} is copied",
            "leave it",
        )
