"""A column of type varchar(n).

What it does
    Looks for new columns of type varchar with a limit.

Why it matters
    The limit saves nothing; making it smaller later rewrites the table.

Instead
    text, with a CHECK of the length where one is wanted: it can be changed without a rewrite.

When it is fine
    The limit is a real one that will never shrink.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS = ("create table", "add column")


def check(step: Step, action: Action) -> Iterator[Hit]:
    for column in (action.column, *action.columns):
        if column is not None and column.type.name == "varchar" and column.type.modifiers:
            yield Hit(
                str(action.relation),
                f"{column.name} has a limit that saves nothing",
                "make it text with a CHECK",
            )
