"""A column is added with REFERENCES.

What it does
    Looks for ADD COLUMN … REFERENCES other.

Why it matters
    The referenced table is locked against writes too, and with a default both tables are read
    meanwhile.

Instead
    Add the column, then the foreign key as NOT VALID, then validate it.

When it is fine
    There is no default, both tables are idle enough, and a lock_timeout is set.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, quoted, short, sql_name

SEVERITY = Severity.WARNING
SUBJECTS = ("add column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    column = action.column
    if column is None or step.fresh(action.relation):
        return
    for constraint in column.constraints:
        if constraint.references is None or step.fresh(constraint.references):
            continue
        filled = step.used("add column references default", action)
        scans = filled or step.used("add column references null", action)
        table, name = sql_name(action.relation), quoted(short(action.relation.name, column.name, "fkey"))
        yield Hit(
            str(action.relation),
            f"{constraint.references} is locked against writes"
            + (" while both tables are read" if filled else f" while {table} is read" if scans else " too"),
            "add the column, then the foreign key as NOT VALID, then validate it",
            (
                f"ALTER TABLE {table} ADD COLUMN {quoted(column.name)} {column.type.text};",
                f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({quoted(column.name)})"
                f" REFERENCES {sql_name(constraint.references)} NOT VALID;",
                f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
            ),
            severity=Severity.ERROR if scans else None,
        )
