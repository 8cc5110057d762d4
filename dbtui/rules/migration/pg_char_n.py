"""A column of type char(n).

What it does
    Looks for new columns of type char(n) with n above 1.

Why it matters
    Values are padded with blanks that count for nothing in comparisons and surprise everywhere else.

Instead
    text, with a CHECK of the length where it matters.

When it is fine
    Never gains anything; char(1) is let pass.
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
        if column is not None and column.type.name == "bpchar" and column.type.modifiers not in ((), ("1",)):
            yield Hit(str(action.relation), f"{column.name} is padded with blanks", "make it text")
