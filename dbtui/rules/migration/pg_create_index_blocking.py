"""CREATE INDEX stops all writes to the table.

What it does
    Looks for CREATE INDEX without CONCURRENTLY on a table that was not made in the same file.

Why it matters
    Writers wait for as long as the build takes; IF NOT EXISTS takes the lock as well.

Instead
    CREATE INDEX CONCURRENTLY outside a transaction, then look whether indisvalid is true.

When it is fine
    The table was made in the same file, or nobody writes to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("create index",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    index, known = action.index, step.table(action.relation)
    if index is None or index.concurrently or index.only or step.fresh(action.relation):
        return
    if known is not None and (
        known.partitioned or (known.kind == "materialized view" and step.fresh(action.relation))
    ):
        return
    safe = (
        re.sub(r"\bINDEX\b", "INDEX CONCURRENTLY", step.statement.sql.rstrip(";"), count=1, flags=re.I) + ";"
    )
    there = step.used("create index exists", action)
    yield Hit(
        str(action.relation),
        f"the index is there already, and writes to {action.relation} wait anyway, if briefly"
        if there
        else f"writes to {action.relation} wait until the index is built",
        "build it CONCURRENTLY, outside a transaction",
        (safe,),
        severity=Severity.WARNING if there else None,
    )
