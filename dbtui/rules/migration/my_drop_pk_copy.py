"""A primary key is dropped without a new one.

What it does
    Looks for DROP PRIMARY KEY without ADD PRIMARY KEY in the same statement.

Why it matters
    The table is copied, row based replication without a key reads the whole table for each change.

Instead
    DROP and ADD in one ALTER TABLE, which rebuilds the table in place; or gh-ost.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("drop primary key", "drop constraint", "drop column")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.used("drop primary key", action) and not step.fresh(action.relation):
        yield Hit(
            str(action.relation), f"all of {action.relation} is copied", "drop and add in one ALTER TABLE"
        )
