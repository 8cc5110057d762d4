"""A foreign key is added and proved in one step.

What it does
    Looks for ADD FOREIGN KEY while foreign_key_checks is 1, and from MySQL 9 on for REFERENCES at a
    column.

Why it matters
    The table is copied; MySQL, and MariaDB before 11.2, lets nobody write meanwhile.

Instead
    Look for orphans, SET SESSION foreign_key_checks = 0, add the key in place, set it back. Not through
    a pooler.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add constraint", "add column")


def check(step: Step, action: Action) -> Iterator[Hit]:
    unproved = step.used("add foreign key") or (step.used("add column references") and step.effects.rewrites)
    made = action.constraint
    if action.op == "add constraint" and (made is None or made.kind != "foreign key"):
        return
    if action.op == "add column" and (action.column is None or not action.column.has("foreign key")):
        return
    if unproved and not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"all of {action.relation} is copied to prove the foreign key",
            "look for orphans, then add it unchecked",
            (
                "SET SESSION foreign_key_checks = 0;",
                step.statement.sql.rstrip(";") + ";",
                "SET SESSION foreign_key_checks = 1;",
            ),
        )
