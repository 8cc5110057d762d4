"""The type of a column that a view reads is changed.

What it does
    Looks for ALTER COLUMN … TYPE on a column that a known view or materialized view reads.

Why it matters
    PostgreSQL refuses it with error 0A000.

Instead
    Drop the view, change the type and create the view again, in one transaction.

When it is fine
    The view does not read this column.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("set type",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    views = [
        table
        for table in step.schema.tables.values()
        if table.kind != "table"
        and any(step.schema.same(read, action.relation) for read in table.reads)
        and {action.name, "*"} & set(table.options.get("columns", "").split("\n"))
    ]
    for view in views:
        kind = view.kind.upper()
        yield Hit(
            str(view.relation),
            f"{view.relation} reads {action.name}: the server refuses the change (0A000)",
            "drop the view and create it again in the same transaction",
            (
                f"DROP {kind} {sql_name(view.relation)};",
                step.statement.sql.rstrip(";") + ";",
                f"CREATE {kind} … ;",
            ),
        )
