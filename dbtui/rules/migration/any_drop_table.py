"""A table is dropped.

What it does
    Looks for DROP TABLE of a table that was not made in the same file.

Why it matters
    Programs that still use it fail at once, and its rows are gone.

Instead
    Rename it first, wait until nobody complains, then drop it.

When it is fine
    It was renamed away long ago, and a backup exists.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, quoted, short, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("drop table", "drop materialized view", "drop foreign table")


def check(step: Step, action: Action) -> Iterator[Hit]:
    name = sql_name(action.relation, step.engine)
    if not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"{action.relation} is gone with all its rows",
            "rename it first, drop it when nobody missed it",
            (f"ALTER TABLE {name} RENAME TO {quoted(short('_drop', action.relation.name), step.engine)};",),
        )
