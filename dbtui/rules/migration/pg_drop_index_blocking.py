"""DROP INDEX locks the table against everybody.

What it does
    Looks for DROP INDEX without CONCURRENTLY on an index that was not made in the same file.

Why it matters
    It needs AccessExclusiveLock on the table and queues behind every running query; everybody else
    queues behind it.

Instead
    DROP INDEX CONCURRENTLY, outside a transaction. Indexes of constraints and of partitioned tables
    cannot be dropped so.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("drop index",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.concurrently:
        return
    found = step.schema.index(action.relation)
    if found is not None and (step.fresh(found[0].relation) or found[0].partitioned):
        return
    safe = (
        re.sub(r"\bINDEX\b", "INDEX CONCURRENTLY", step.statement.sql.rstrip(";"), count=1, flags=re.I) + ";"
    )
    yield Hit(
        str(action.relation),
        "the table is locked against everybody, and others queue while it waits",
        "drop it CONCURRENTLY, outside a transaction",
        (safe,) if len(step.statement.actions) == 1 else (),
    )
