"""A constraint is dropped.

What it does
    Looks for DROP CONSTRAINT, DROP FOREIGN KEY, DROP PRIMARY KEY and DROP CHECK.

Why it matters
    Rows that break it may come in from now on, and adding it again means reading the table.

Instead
    Make sure that nothing relies on it; a UNIQUE or PRIMARY KEY takes its index with it.

When it is fine
    Another constraint says the same, as a NOT NULL says what its CHECK proved.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("drop constraint",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    known = step.seen(action.relation)
    found = next((c for c in known.constraints if c.name == action.name), None) if known else None
    if step.fresh(action.relation):
        return
    implied = (
        found is not None
        and known is not None
        and found.not_null
        and all(name in known.columns and known.columns[name].not_null for name in found.not_null)
        and found.mentions == found.not_null
    )
    if not implied:
        yield Hit(
            str(action.relation),
            f"rows that break {action.name or 'it'} may come in",
            "make sure nothing relies on it",
        )
