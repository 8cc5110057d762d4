"""A timestamp without a time zone.

What it does
    Looks for new columns of type timestamp.

Why it matters
    It does not say which moment is meant; programs in other zones read another one.

Instead
    timestamptz.

When it is fine
    Wall clock times are meant, such as opening hours.
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
        if column is not None and column.type.name == "timestamp":
            yield Hit(str(action.relation), f"{column.name} has no time zone", "make it timestamptz")
