"""DETACH PARTITION locks the whole partitioned table.

What it does
    Looks for DETACH PARTITION without CONCURRENTLY.

Why it matters
    Parent and partition are locked against everybody, and others queue while it waits.

Instead
    DETACH PARTITION … CONCURRENTLY from 14 on, outside a transaction; it is refused where there is a
    DEFAULT partition.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, with_timeout

SEVERITY = Severity.ERROR
SUBJECTS = ("detach partition",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.concurrently or step.fresh(action.relation):
        return
    default = any(child.default_partition for child in step.schema.children(action.relation))
    possible = step.version >= (14,) and not default
    yield Hit(
        str(action.relation),
        f"{action.relation} is locked against everybody, and others queue while it waits",
        "detach it CONCURRENTLY, outside a transaction"
        if possible
        else "use a short lock_timeout and try again",
        (step.statement.sql.rstrip(";") + " CONCURRENTLY;",)
        if possible
        else with_timeout(step.statement.sql.rstrip(";") + ";"),
    )
