"""A column is added with UNIQUE or PRIMARY KEY.

What it does
    Looks for ADD COLUMN … UNIQUE and ADD COLUMN … PRIMARY KEY.

Why it matters
    The index is built while the table is locked against everybody.

Instead
    Add the column, build a unique index CONCURRENTLY, adopt it with ADD CONSTRAINT … USING INDEX.

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
    if (
        column is None
        or step.fresh(action.relation)
        or not (column.has("unique") or column.has("primary key"))
    ):
        return
    kind = "PRIMARY KEY" if column.has("primary key") else "UNIQUE"
    table, name = sql_name(action.relation), quoted(column.name)
    index = quoted(short(action.relation.name, column.name, "key"))
    yield Hit(
        str(action.relation),
        f"the index of {column.name} is built while {action.relation} is locked against everybody",
        "add the column first, build the index CONCURRENTLY, then adopt it",
        (
            f"ALTER TABLE {table} ADD COLUMN {name} {column.type.text};",
            f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON {table} ({name});",
            f"ALTER TABLE {table} ADD CONSTRAINT {index} {kind} USING INDEX {index};",
        ),
    )
