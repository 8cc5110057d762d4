"""CREATE TRIGGER stops writes, DROP TRIGGER everything, until it has its lock.

What it does
    Looks for CREATE TRIGGER and DROP TRIGGER on a table in use without a short lock_timeout.

Why it matters
    The lock is short, but it queues behind running transactions and others queue behind it.

Instead
    SET LOCAL lock_timeout = '2s' and another try.

When it is fine
    A short lock_timeout is set.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.pg_lock_timeout_missing import milliseconds
from dbtui.rules.migration.step import Hit, Step, with_timeout

SEVERITY = Severity.WARNING
SUBJECTS = ("create trigger", "drop trigger")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.fresh(action.relation) or 0 < milliseconds(step.settings.get("lock_timeout", "0")) <= 5000:
        return
    mode = "ShareRowExclusiveLock" if action.op == "create trigger" else "AccessExclusiveLock"
    yield Hit(
        str(action.relation),
        f"{mode} on {action.relation} queues behind running transactions",
        "set a short lock_timeout and try again when it is reached",
        with_timeout(step.statement.sql.rstrip(";") + ";"),
    )
