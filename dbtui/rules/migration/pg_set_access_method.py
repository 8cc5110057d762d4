"""SET ACCESS METHOD rewrites the whole table.

What it does
    Looks for ALTER TABLE … SET ACCESS METHOD.

Why it matters
    The table and its indexes are written anew under AccessExclusiveLock.

Instead
    A new table with the access method, a copy in batches and a swap of names.

When it is fine
    The table was made in the same file, or is partitioned (then only new partitions use it).
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("set access method",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not step.fresh(action.relation) and step.effects.rewrites:
        yield Hit(
            str(action.relation),
            f"all of {action.relation} is written anew under AccessExclusiveLock",
            "copy into a new table in batches and swap the names",
        )
