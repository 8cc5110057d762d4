"""A serial column is added to a table.

What it does
    Looks for ADD COLUMN with serial, bigserial or smallserial.

Why it matters
    Every row gets its number at once: the table is written anew under AccessExclusiveLock.

Instead
    Add a nullable bigint, create the sequence, set the default, fill in batches, then NOT NULL.

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
    if column is None or not column.serial or step.fresh(action.relation):
        return
    table, name = sql_name(action.relation), quoted(column.name)
    sequence = quoted(short(action.relation.name, column.name, "seq"))
    yield Hit(
        str(action.relation),
        f"{column.name} is numbered row by row: {action.relation} is written anew",
        "add a plain column, give it a sequence, fill it in batches",
        (
            f"ALTER TABLE {table} ADD COLUMN {name} bigint;",
            f"CREATE SEQUENCE {sequence} OWNED BY {table}.{name};",
            f"ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT nextval('{sequence}');",
            f"-- fill {name} in batches, then set NOT NULL by a validated check",
        ),
    )
