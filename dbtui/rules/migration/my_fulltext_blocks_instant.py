"""Columns of a table with a FULLTEXT index cannot be added instantly.

What it does
    Looks for ADD and DROP COLUMN on a table known to have a FULLTEXT index.

Why it matters
    The table is rebuilt and nobody can write meanwhile.

Instead
    gh-ost or pt-online-schema-change.

When it is fine
    The table was made in the same file, or is small.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.online import online
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add column", "drop column")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.used("column on fulltext") and not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"{action.relation} has a FULLTEXT index: it is rebuilt and takes no writes",
            "use gh-ost or pt-online-schema-change",
            online(action, step),
        )
