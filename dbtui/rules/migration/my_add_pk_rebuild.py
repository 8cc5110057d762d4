"""A primary key is added: the table is rebuilt.

What it does
    Looks for ADD PRIMARY KEY.

Why it matters
    InnoDB keeps rows in the order of the primary key, so all of them are sorted and written again.

Instead
    gh-ost for a big table.

When it is fine
    The table was made in the same file, or is small.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("add constraint",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if (
        action.constraint is not None
        and action.constraint.kind == "primary key"
        and not step.fresh(action.relation)
    ):
        yield Hit(
            str(action.relation), f"all rows of {action.relation} are sorted and written again", "use gh-ost"
        )
