"""PRAGMA foreign_keys inside a transaction does nothing.

What it does
    Looks for PRAGMA foreign_keys after BEGIN.

Why it matters
    It is silently ignored: foreign keys stay on, and DROP TABLE of a parent deletes or breaks the rows
    of its children.

Instead
    Set it before BEGIN; inside, PRAGMA defer_foreign_keys.

When it is fine
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("set",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.name == "foreign_keys" and step.transaction and action.new_name:
        yield Hit(
            "",
            "it is ignored inside a transaction",
            "set it before BEGIN",
            (step.statement.sql.rstrip(";") + ";", "BEGIN;"),
        )
