"""UPDATE or DELETE without WHERE.

What it does
    Looks for UPDATE and DELETE without a condition on a table that was not made in the same file.

Why it matters
    Every row is locked until the end, the transaction is as long as the table, and replicas and vacuum
    wait for it.

Instead
    Batches by key, each in its own transaction, with a condition that leaves out what is done.

When it is fine
    The table is tiny.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("update", "delete")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if "where" in action.options or step.fresh(action.relation):
        return
    yield Hit(
        str(action.relation),
        f"every row of {action.relation} is {'changed' if action.op == 'update' else 'deleted'} in one transaction",
        "work in batches by key, each in its own transaction",
    )
