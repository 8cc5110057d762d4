"""A NOT VALID foreign key on a partitioned table, before 18.

What it does
    Looks for ADD FOREIGN KEY … NOT VALID on a table that is known to be partitioned, on a server below
    18.

Why it matters
    The server refuses it.

Instead
    Add the key as NOT VALID to each partition, validate each, then add it to the parent, which adopts
    them without a scan.

When it is fine
    From 18 on.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add constraint",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    known = step.table(action.relation)
    made = action.constraint
    if known is None or not known.partitioned or made is None or made.kind != "foreign key":
        return
    if not made.valid and made.enforced and step.version < (18,):
        yield Hit(
            str(action.relation),
            f"{action.relation} is partitioned: NOT VALID foreign keys need PostgreSQL 18",
            "add it to each partition as NOT VALID, validate these, then add it to the parent",
        )
