"""A change of type rewrites the whole table.

What it does
    Looks for ALTER COLUMN … TYPE where the old values must be converted, and where the old type is not
    known; and for ALTER TYPE … ALTER ATTRIBUTE … CASCADE on a type that tables are made of.

Why it matters
    The table and all its indexes are written anew under AccessExclusiveLock.

Instead
    A new column of the new type, a trigger that keeps both alike, a backfill in batches, a swap of
    names in one short transaction.

When it is fine
    The table was made in the same file, or the change is binary compatible (varchar to text, a wider
    varchar or numeric): give --schema so that the old type is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, quoted, short, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("set type", "alter type attribute")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.op == "alter type attribute":
        for name in step.effects.rewrites:
            yield Hit(name, f"{name} is made of {action.relation}: all of it is written anew",
                      "use a new type, and a new table")  # fmt: skip
        return
    if step.fresh(action.relation) or not step.used("set type rewrite", action) or action.column is None:
        return
    known = step.seen(action.relation)
    old = known.columns.get(action.name) if known else None
    new = action.column.type.text
    zones = {"timestamp", "timestamptz"}
    if (
        old is not None
        and {old.type.name, action.column.type.name} == zones
        and "using" not in action.options
    ):
        return
    before = f"from {old.type.text} " if old else ""
    table, name = sql_name(action.relation), quoted(action.name)
    temporary = quoted(short(action.name, "new"))
    yield Hit(
        str(action.relation),
        f"{action.name} {before}to {new}: all of {action.relation} and its indexes are written anew"
        + ("" if old else ", as far as is known without the old type (--schema)"),
        "build the new column beside the old one and swap their names",
        (
            f"ALTER TABLE {table} ADD COLUMN {temporary} {new};",
            f"-- a trigger that copies {name} to {temporary}, a backfill in batches, indexes CONCURRENTLY",
            "BEGIN;",
            "SET LOCAL lock_timeout = '2s';",
            f"ALTER TABLE {table} RENAME COLUMN {name} TO {quoted(short(action.name, 'old'))};",
            f"ALTER TABLE {table} RENAME COLUMN {temporary} TO {name};",
            "COMMIT;",
        ),
    )
