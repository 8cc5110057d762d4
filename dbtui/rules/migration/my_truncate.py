"""TRUNCATE empties a table at once.

What it does
    Looks for TRUNCATE, and DISCARD TABLESPACE, of a table that was not made in the same file.

Why it matters
    All rows are gone, it commits by itself, and it waits for every transaction that has used the table.

Instead
    DELETE in batches, or a new empty table and RENAME TABLE.

When it is fine
    The rows are meant to go and nobody reads the table.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("truncate", "tablespace file")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.name != "IMPORT" and not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"all rows of {action.relation} go at once",
            "delete in batches, or swap tables",
        )
