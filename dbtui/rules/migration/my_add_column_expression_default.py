"""A column is added with an expression as its default.

What it does
    Looks for ADD COLUMN … DEFAULT (expression) that only ALGORITHM=COPY can do.

Why it matters
    The value is computed for each row while the table is copied.

Instead
    ADD COLUMN without the default, ALTER COLUMN … SET DEFAULT, fill in batches.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, quoted, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("add column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    column = action.column
    if column is None or column.default is None or step.fresh(action.relation) or not step.effects.rewrites:
        return
    if step.used("add column expression") or step.used("add column stable expression"):
        table, name = sql_name(action.relation, step.engine), quoted(column.name, step.engine)
        yield Hit(
            str(action.relation),
            f"{column.default.text} is computed for each row while {action.relation} is copied",
            "add the column, set its default afterwards, fill in batches",
            (
                f"ALTER TABLE {table} ADD COLUMN {name} {column.type.text}, ALGORITHM=INSTANT;",
                f"ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT {column.default.text};",
                f"-- fill {name} in batches",
            ),
        )
