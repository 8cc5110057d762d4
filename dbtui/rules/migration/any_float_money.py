"""An amount of money as a floating point number.

What it does
    Looks for new columns of type real, float or double whose name speaks of money.

Why it matters
    0.1 + 0.2 is not 0.3: sums drift.

Instead
    numeric, or whole cents.

When it is fine
    The column is no amount.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS = ("create table", "add column")

_FLOATS = {"float4", "float8", "float", "double", "real", "double precision"}
_MONEY = re.compile(r"price|amount|cost|total|balance|salary|fee|tax|money|payment|revenue|budget", re.I)


def check(step: Step, action: Action) -> Iterator[Hit]:
    for column in (action.column, *action.columns):
        if column is not None and column.type.name in _FLOATS and _MONEY.search(column.name):
            yield Hit(str(action.relation), f"{column.name} is a floating point number", "make it numeric")
