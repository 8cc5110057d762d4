"""A new table with a foreign key stops writes to the referenced one.

What it does
    Looks for CREATE TABLE with REFERENCES to a table in use.

Why it matters
    It takes ShareRowExclusiveLock on the referenced table and queues behind its writers; others queue
    behind it.

Instead
    A short lock_timeout and another try; or the table first and the foreign key in a statement of its
    own.

When it is fine
    A short lock_timeout is set.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.pg_lock_timeout_missing import milliseconds
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("create table",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    for constraint in action.constraints:
        other = constraint.references
        if other is None or step.schema.same(other, action.relation) or step.fresh(other):
            continue
        if 0 < milliseconds(step.settings.get("lock_timeout", "0")) <= 5000:
            continue
        yield Hit(
            str(other),
            f"{other} takes no writes while the foreign key is made",
            "set a short lock_timeout and try again when it is reached",
            ("SET lock_timeout = '2s';",),
        )
