"""The whole table is read while the file is locked.

What it does
    Looks for SET NOT NULL and ADD CONSTRAINT … CHECK on SQLite 3.53 and later.

Why it matters
    Each row is looked at, and nobody else can write to the file meanwhile.

Instead
    A quiet moment, a busy_timeout for the others.

When it is fine
    The table is small, or was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("set not null", "add constraint")


def check(step: Step, action: Action) -> Iterator[Hit]:
    checks = action.constraint is not None and action.constraint.kind == "check"
    reads = action.op == "set not null" or checks
    if reads and step.version >= (3, 53) and not step.fresh(action.relation):
        message = f"all of {action.relation} is read while the file is locked"
        yield Hit(str(action.relation), message, "take a quiet moment")
