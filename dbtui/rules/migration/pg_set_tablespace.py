"""SET TABLESPACE copies the whole table while nobody can use it.

What it does
    Looks for ALTER TABLE … SET TABLESPACE.

Why it matters
    The files are copied to another place under AccessExclusiveLock.

Instead
    pg_repack -s, which copies beside readers and writers.

When it is fine
    The table was made in the same file, or is small.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("set tablespace",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not step.fresh(action.relation) and step.effects.rewrites:
        yield Hit(
            str(action.relation),
            f"all of {action.relation} is copied under AccessExclusiveLock",
            "use pg_repack -s to move it beside readers and writers",
        )
