"""A column is dropped.

What it does
    Looks for DROP COLUMN on a table that was not made in the same file.

Why it matters
    Programs that still name the column fail at once, and its values are gone.

Instead
    Deploy programs that do not use it first, look for views and statements that name it, rename it for
    a while, then drop it.

When it is fine
    All that is done.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("drop column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"programs that name {action.name} fail, and its values are gone",
            "deploy programs without it first; keep a copy of the values",
        )
