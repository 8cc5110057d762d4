"""A new partition makes the server read the DEFAULT partition.

What it does
    Looks for ATTACH PARTITION and CREATE TABLE … PARTITION OF where the parent is known to have a
    DEFAULT partition.

Why it matters
    All rows of the default are read under AccessExclusiveLock, to see that none belongs to the new one.

Instead
    Add a CHECK to the default that excludes the new bound, NOT VALID first, and validate it; then there
    is no scan.

When it is fine
    The default partition is empty or was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, quoted, short, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("attach partition", "create table")


def check(step: Step, action: Action) -> Iterator[Hit]:
    parent = (
        action.relation if action.op == "attach partition" else (action.others[0] if action.others else None)
    )
    if parent is None or (action.op == "create table" and "partition" not in action.options):
        return
    for child in step.schema.children(parent):
        if child.default_partition and not step.fresh(child.relation):
            table, name = sql_name(child.relation), quoted(short(child.relation.name, "excludes"))
            yield Hit(
                str(child.relation),
                f"all of the default partition {child.relation} is read under AccessExclusiveLock",
                "let a validated check on it exclude the new bound",
                (
                    f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (NOT (…)) NOT VALID;",
                    f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
                ),
            )
