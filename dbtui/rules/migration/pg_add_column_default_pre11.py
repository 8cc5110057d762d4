"""A column with a default is added on a server before 11.

What it does
    Looks for ADD COLUMN … DEFAULT where the server's version is below 11.

Why it matters
    Before 11 the whole table is written anew under AccessExclusiveLock to put the value into each row.

Instead
    Add the column without a default, set the default, fill in batches.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action, Volatility
from dbtui.rules.migration.sequences import fill_then_not_null
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    column = action.column
    if (
        column is None
        or step.version >= (11,)
        or step.fresh(action.relation)
        or not step.used("add column default", action)
    ):
        return
    if column.default is not None and column.default.volatility in (Volatility.CONSTANT, Volatility.STABLE):
        yield Hit(
            str(action.relation),
            f"the default of {column.name} writes all of {action.relation} anew on this version",
            "add the column without it, set the default, then fill in batches",
            fill_then_not_null(action, step.version),
        )
