"""The character set of a whole table is converted.

What it does
    Looks for CONVERT TO CHARACTER SET.

Why it matters
    The table is copied; columns may change their type, indexes may become too long.

Instead
    gh-ost; look at the index lengths first.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.online import online
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("convert charset",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not step.fresh(action.relation):
        yield Hit(
            str(action.relation), f"all of {action.relation} is copied", "use gh-ost", online(action, step)
        )
