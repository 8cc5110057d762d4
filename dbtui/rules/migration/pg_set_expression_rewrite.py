"""SET EXPRESSION recomputes a stored column for each row.

What it does
    Looks for ALTER COLUMN … SET EXPRESSION (17 and later) on a stored generated column.

Why it matters
    The table is written anew under AccessExclusiveLock.

Instead
    A new column with the new expression, then a swap of names.

When it is fine
    The column is virtual, or the table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("set expression",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.effects.rewrites and not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"{action.name} is computed for each row: {action.relation} is written anew",
            "add a new column with the new expression and swap the names",
        )
