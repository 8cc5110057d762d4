"""CREATE TABLE … PARTITION OF locks the parent against everybody.

What it does
    Looks for CREATE TABLE … PARTITION OF a table in use.

Why it matters
    It takes AccessExclusiveLock on the parent in every version and queues behind each running query.

Instead
    CREATE TABLE … (LIKE parent INCLUDING ALL), then ATTACH PARTITION, which lets others read and write
    from 12 on.

When it is fine
    A short lock_timeout is set.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, sql_name

SEVERITY = Severity.WARNING
SUBJECTS = ("create table",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if "partition" not in action.options or not action.others or step.fresh(action.others[0]):
        return
    parent, table = sql_name(action.others[0]), sql_name(action.relation)
    yield Hit(
        str(action.others[0]),
        f"{action.others[0]} is locked against everybody, if only for a moment",
        "create the table alone, then attach it",
        (
            f"CREATE TABLE {table} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);",
            f"ALTER TABLE {parent} ATTACH PARTITION {table} FOR VALUES …;",
        ),
    )
