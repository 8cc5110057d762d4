"""An enum is created.

What it does
    Looks for CREATE TYPE … AS ENUM.

Why it matters
    Values can be added and renamed, but never removed; each change is DDL.

Instead
    A lookup table with a foreign key, or text with a CHECK.

When it is fine
    The set of values is fixed for good.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS = ("create enum",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    yield Hit(str(action.relation), "values of an enum can never be removed", "consider a lookup table")
