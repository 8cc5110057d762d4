"""A published table has no replica identity.

What it does
    Looks for tables that are known to lack a primary key and go into a publication, and for DROP
    CONSTRAINT of a published table's primary key.

Why it matters
    UPDATE and DELETE on the table fail from that moment.

Instead
    REPLICA IDENTITY USING INDEX of a unique index over NOT NULL columns first.

When it is fine
    The publication carries INSERT and TRUNCATE only.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("create publication", "alter publication", "drop constraint")


def check(step: Step, action: Action) -> Iterator[Hit]:
    tables = action.others
    if action.op == "drop constraint":
        known = step.table(action.relation)
        key = known.primary_key if known is not None and known.published else None
        tables = (action.relation,) if key is not None and key.name == action.name else ()
    for table in tables:
        known = step.table(table)
        if known is None or (action.op != "drop constraint" and known.primary_key is not None):
            continue
        yield Hit(
            str(table),
            f"UPDATE and DELETE on {table} begin to fail: it is published without a replica identity",
            "choose a unique index over NOT NULL columns first",
            (f"ALTER TABLE {sql_name(table)} REPLICA IDENTITY USING INDEX …;",),
        )
