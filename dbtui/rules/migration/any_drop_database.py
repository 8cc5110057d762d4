"""A database is dropped.

What it does
    Looks for DROP DATABASE.

Why it matters
    Everything in it is gone, and no transaction brings it back.

Instead
    Rename it, revoke CONNECT, keep a backup, drop it later.

When it is fine
    It is a test's own.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("drop database",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    yield Hit(
        str(action.relation),
        f"{action.relation} is gone with everything in it",
        "rename it first and keep a backup",
    )
