"""Dropping a foreign key locks the referenced table too.

What it does
    Looks for DROP CONSTRAINT, DROP TABLE and DROP COLUMN that take a known foreign key away.

Why it matters
    The referenced table is locked against everybody as well, which nobody expects who drops a small
    one.

Instead
    Drop the foreign key alone, with a short lock_timeout, then the rest.

When it is fine
    One of the tables was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, quoted, sql_name, with_timeout

SEVERITY = Severity.WARNING
SUBJECTS = ("drop constraint", "drop table", "drop column")


def check(step: Step, action: Action) -> Iterator[Hit]:
    known = step.table(action.relation)
    if known is None or step.fresh(action.relation):
        return
    for constraint in known.constraints:
        if constraint.references is None or step.schema.same(constraint.references, action.relation):
            continue
        gone = (
            action.op == "drop table" or constraint.name == action.name or action.name in constraint.columns
        )
        if gone and not step.fresh(constraint.references):
            alone = f"ALTER TABLE {sql_name(action.relation)} DROP CONSTRAINT {quoted(constraint.name)};"
            yield Hit(
                str(constraint.references),
                f"{constraint.references} is locked against everybody too, for its foreign key {constraint.name}",
                "drop the foreign key alone first, with a short lock_timeout",
                with_timeout(alone),
            )
