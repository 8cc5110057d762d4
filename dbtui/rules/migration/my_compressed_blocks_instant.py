"""Columns of a compressed table cannot be added instantly.

What it does
    Looks for ADD and DROP COLUMN on a table known to have ROW_FORMAT=COMPRESSED.

Why it matters
    The table is rebuilt in place.

Instead
    gh-ost or pt-online-schema-change.

When it is fine
    The table is small.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("add column", "drop column")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.used("column on compressed") and not step.fresh(action.relation):
        yield Hit(
            str(action.relation), f"{action.relation} is compressed: INSTANT is not possible", "use gh-ost"
        )
