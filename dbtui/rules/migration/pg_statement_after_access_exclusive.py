"""More work follows in a transaction that holds an AccessExclusiveLock.

What it does
    Looks for statements in a transaction after one that locked a table in use against everybody.

Why it matters
    The lock is held until the transaction ends, so the table is closed for the time of everything that
    follows.

Instead
    End the transaction after the statement that took the lock, or make it the last one.

When it is fine
    What follows is as quick as the statement itself, on the same table.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step
from dbtui.rules.migration.transaction import locked_before

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    control = {"commit", "rollback", "set", "reset", "savepoint", "release", "select"}
    if not step.earlier or all(action.op in control for action in step.statement.actions):
        return
    for name in locked_before(step):
        own = {str(action.relation) for action in step.statement.actions}
        slow = step.effects.scans or step.effects.rewrites or own - {name}
        if slow:
            yield Hit(
                name,
                f"{name} stays locked against everybody while this runs",
                "commit before it, or put the statement that locks last",
            )
            return
