"""A NOT NULL column is added without a default.

What it does
    Looks for ADD COLUMN … NOT NULL without DEFAULT, identity or generation.

Why it matters
    It fails on a table that has a single row.

Instead
    Give a constant default (free from 11 on), or add it nullable, fill it and then set NOT NULL by a
    validated check.

When it is fine
    The table is empty for certain.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action, Volatility
from dbtui.rules.migration.sequences import fill_then_not_null
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    column = action.column
    if column is None or not column.not_null or column.serial or column.identity or column.generated:
        return
    if step.fresh(action.relation):
        return
    known = step.table(action.relation)
    if action.if_not_exists and known is not None and column.name in known.columns:
        return
    if column.default is None or column.default.volatility is Volatility.NULL:
        yield Hit(
            str(action.relation),
            f"{column.name} is NOT NULL and has no value for the rows that exist",
            "give a constant default, or add it nullable, fill it and set NOT NULL afterwards",
            fill_then_not_null(action, step.version),
        )
