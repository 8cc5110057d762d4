"""DDL with a lock_wait_timeout of a year.

What it does
    Looks for DDL on tables in use without a short lock_wait_timeout in the script.

Why it matters
    Even instant DDL needs an exclusive metadata lock for a moment. While it waits for one open
    transaction, everybody else waits behind it; the default is 31,536,000 s (MariaDB 86,400).

Instead
    SET SESSION lock_wait_timeout = 5, and try again.

When it is fine
    The account or server has a short one.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    if not step.effects.locks or not step.statement.actions:
        return
    action = step.statement.actions[0]
    table = action.others[0] if action.op == "drop index" and action.others else action.relation
    value = step.settings.get("lock_wait_timeout", "")
    if step.fresh(table) or (value.isdigit() and int(value) <= 60):
        return
    yield Hit(
        str(table),
        "one open transaction makes it wait, and everybody else behind it",
        "set a short lock_wait_timeout and try again when it is reached",
        ("SET SESSION lock_wait_timeout = 5;",),
    )
