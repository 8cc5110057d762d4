"""SET LOGGED and SET UNLOGGED rewrite the whole table.

What it does
    Looks for ALTER TABLE … SET LOGGED or SET UNLOGGED.

Why it matters
    The table is copied under AccessExclusiveLock; an unlogged table is empty after a crash and on
    standbys, and is refused in a publication.

Instead
    A new table of the other kind, a copy in batches and a swap of names.

When it is fine
    The table was made in the same file, or is small.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("set logged", "set unlogged")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not step.fresh(action.relation) and step.used("rewrite table", action):
        yield Hit(
            str(action.relation),
            f"all of {action.relation} is written anew under AccessExclusiveLock",
            "copy into a new table in batches and swap the names",
        )
