"""A free change of type reads the table because of a CHECK.

What it does
    Looks for ALTER COLUMN … TYPE that needs no rewrite, on a column that a CHECK mentions.

Why it matters
    The check is proved again: all rows are read under AccessExclusiveLock.

Instead
    Drop the check, change the type, add the check as NOT VALID, validate it.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, quoted, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("set type",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    known = step.seen(action.relation)
    if known is None or step.fresh(action.relation) or not step.used("set type free checked", action):
        return
    table = sql_name(action.relation)
    names = [quoted(c.name) for c in known.constraints if c.kind == "check" and action.name in c.mentions]
    yield Hit(
        str(action.relation),
        f"{', '.join(names)} is checked again on every row under AccessExclusiveLock",
        "drop the check, change the type, add it again as NOT VALID, validate",
        (
            *(f"ALTER TABLE {table} DROP CONSTRAINT {name};" for name in names),
            step.statement.sql.rstrip(";") + ";",
            *(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (…) NOT VALID;" for name in names),
            *(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};" for name in names),
        ),
    )
