"""A long write locks the whole file.

What it does
    Looks for CREATE INDEX, DROP COLUMN, VACUUM and REINDEX on tables that were not made in the same
    file.

Why it matters
    SQLite has one writer: every other one gets SQLITE_BUSY, at once where no busy_timeout is set.

Instead
    A busy_timeout in each program; such steps when it is quiet.

When it is fine
    The table is small, or one program uses the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("create index", "drop column", "vacuum", "reindex")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            "no other program can write to the file meanwhile",
            "set a busy_timeout everywhere",
        )
