"""Rows are changed in a transaction that holds a lock from DDL.

What it does
    Looks for UPDATE, DELETE, COPY, MERGE and INSERT … SELECT after DDL on a table in use in the same
    transaction.

Why it matters
    The DDL's lock is kept for as long as the rows take, and nobody can read or write the table
    meanwhile.

Instead
    Expand in one file, fill in batches in the next, contract in a third.

When it is fine
    The table is new, or the rows are very few.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step
from dbtui.rules.migration.transaction import locked_before

SEVERITY = Severity.ERROR
SUBJECTS = ("update", "delete", "copy", "merge", "insert")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if (action.op == "insert" and not action.others) or step.fresh(action.relation):
        return
    for name in locked_before(step):
        yield Hit(
            str(action.relation),
            f"{name} stays locked against everybody while rows of {action.relation} change",
            "commit the DDL first, then fill in batches, each in its own transaction",
            ("COMMIT;",),
        )
        return
