"""A schema is dropped.

What it does
    Looks for DROP SCHEMA.

Why it matters
    With CASCADE everything in it goes; without, the statement fails if it is not empty.

Instead
    Rename it first, drop its tables one by one.

When it is fine
    It is empty.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("drop schema",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    yield Hit(
        str(action.relation),
        "everything in it is gone" if action.cascade else "it must be empty",
        "rename it first",
    )
