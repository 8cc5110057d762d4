"""TRUNCATE empties a table at once and locks it against everybody.

What it does
    Looks for TRUNCATE of a table that was not made in the same file.

Why it matters
    The rows are gone for every reader, and MVCC does not keep them for transactions that began before.

Instead
    DELETE in batches, or a new empty table and a swap of names.

When it is fine
    The rows are meant to go and nobody reads the table.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("truncate",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"all rows of {action.relation} go at once, under AccessExclusiveLock",
            "delete in batches, or swap in an empty table",
        )
