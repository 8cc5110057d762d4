"""timestamp and timestamptz are exchanged while the session's time zone is not UTC.

What it does
    Looks for ALTER COLUMN … TYPE between timestamp and timestamptz where the script does not set
    TimeZone to UTC.

Why it matters
    From 12 on the change is free when the session's TimeZone is UTC; in any other zone, and before 12,
    each value is shifted and the table is written anew.

Instead
    SET LOCAL timezone = 'UTC' in the same transaction, if the data are in UTC.

When it is fine
    The role or database has TimeZone UTC: say so in the script.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, with_timeout

SEVERITY = Severity.ERROR
SUBJECTS = ("set type",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    known = step.seen(action.relation)
    old = known.columns.get(action.name) if known else None
    if step.fresh(action.relation) or old is None or action.column is None or "using" in action.options:
        return
    if {old.type.name, action.column.type.name} != {"timestamp", "timestamptz"} or not step.effects.rewrites:
        return
    yield Hit(
        str(action.relation),
        f"{old.type.text} to {action.column.type.text} writes {action.relation} anew unless the time zone is UTC",
        "set the time zone to UTC for this transaction, if the data are in UTC"
        if step.version >= (12,)
        else "before 12 it is written anew in any zone: build a new column",
        with_timeout("SET LOCAL timezone = 'UTC';", step.statement.sql.rstrip(";") + ";")
        if step.version >= (12,)
        else (),
    )
