"""A column is added with a CHECK.

What it does
    Looks for ADD COLUMN … CHECK (…).

Why it matters
    All rows are read under AccessExclusiveLock, even where each of them is NULL.

Instead
    Add the column alone, then the CHECK as NOT VALID, then validate it.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, quoted, short, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("add column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    column = action.column
    if column is None or not column.has("check") or step.fresh(action.relation):
        return
    table = sql_name(action.relation)
    name = quoted(short(action.relation.name, column.name, "check"))
    yield Hit(
        str(action.relation),
        f"all of {action.relation} is read under AccessExclusiveLock to check {column.name}",
        "add the column, then the check as NOT VALID, then validate it",
        (
            f"ALTER TABLE {table} ADD COLUMN {quoted(column.name)} {column.type.text};",
            f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (…) NOT VALID;",
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
        ),
    )
