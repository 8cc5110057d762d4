"""A table without a primary key.

What it does
    Looks for CREATE TABLE without PRIMARY KEY, where no later part of it adds one.

Why it matters
    Replication, change capture and tools that copy online need one; two equal rows cannot be told
    apart.

Instead
    Add one.

When it is fine
    A log that is only ever appended to, a partition, a temporary table, or a dump, which adds its keys
    later.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("create table",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    options = {"partition", "temporary", "inherits", "like"} & set(action.options)
    keys = [c for c in action.constraints if c.kind == "primary key"]
    if not keys and not options and action.columns and not action.if_not_exists:
        yield Hit(str(action.relation), f"{action.relation} has no primary key", "add one")
