"""ATTACH PARTITION reads the new partition while it is locked.

What it does
    Looks for ATTACH PARTITION of a table in use that has no validated CHECK from which the bound
    follows.

Why it matters
    All of its rows are read under AccessExclusiveLock.

Instead
    Add a CHECK of the bound (with IS NOT NULL where the key is nullable) as NOT VALID, validate it,
    attach, drop the check.

When it is fine
    The table was made in the same file, or is empty.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, columns, quoted, short, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("attach partition",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    child = action.others[0]
    if step.fresh(child) or step.used("attach partition proved", action):
        return
    known, parent = step.table(child), step.table(action.relation)
    if step.used("attach partition indexes", action) and known is not None and parent is not None:
        yield Hit(
            str(child),
            f"indexes that {action.relation} has and {child} lacks are built under AccessExclusiveLock",
            "build them CONCURRENTLY on the new partition first",
            tuple(
                f"CREATE INDEX CONCURRENTLY ON {sql_name(child)} ({columns(index.columns)});"
                for index in parent.indexes
                if index.columns not in {other.columns for other in known.indexes}
            ),
        )
        return
    table, name = sql_name(child), quoted(short(child.name, "bound"))
    yield Hit(
        str(child),
        f"all of {child} is read under AccessExclusiveLock to prove that it fits",
        "let a validated check prove it beforehand",
        (
            f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (…) NOT VALID;",
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
            step.statement.sql.rstrip(";") + ";",
            f"ALTER TABLE {table} DROP CONSTRAINT {name};",
        ),
    )
