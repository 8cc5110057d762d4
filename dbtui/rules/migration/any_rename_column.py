"""A column is renamed.

What it does
    Looks for RENAME COLUMN, and CHANGE to another name, on a table that was not made in the same file.

Why it matters
    Programs that run during the deployment know only one of the names, and fail.

Instead
    A new column that is kept in step with the old one, or a view with both names, until every program
    is new.

When it is fine
    Nothing uses the table while the migration runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("rename column", "change column")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.op == "change column" and (action.column is None or action.column.name == action.name):
        return
    known = step.table(action.relation)
    if not step.fresh(action.relation) and (known is None or known.kind == "table"):
        yield Hit(
            str(action.relation),
            f"programs that know {action.name} fail",
            "add a column of the new name, write both, move readers, drop the old one",
        )
