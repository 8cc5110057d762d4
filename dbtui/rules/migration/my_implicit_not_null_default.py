"""A NOT NULL column without a default is filled with 0 or ''.

What it does
    Looks for ADD COLUMN … NOT NULL without DEFAULT.

Why it matters
    The server does not refuse: it invents 0, '' or '0000-00-00' for the rows that exist.

Instead
    Say the default, or add it nullable, fill it and make it NOT NULL.

When it is fine
    0 or '' is what is meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("add column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    column = action.column
    if (
        column is None
        or not column.not_null
        or column.default is not None
        or column.serial
        or column.generated
    ):
        return
    if not step.fresh(action.relation):
        yield Hit(
            str(action.relation), f"the rows that exist get an invented {column.name}", "say the default"
        )
