"""An index over more than three columns.

What it does
    Looks for CREATE INDEX with four key columns or more.

Why it matters
    Each write maintains all of it, and columns at its end seldom narrow a search.

Instead
    The two or three columns that narrow most; INCLUDE for what is only read along.

When it is fine
    Measured: the plans use every column.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS = ("create index",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.index is not None and len(action.index.columns) > 3:
        yield Hit(
            str(action.relation),
            f"it has {len(action.index.columns)} key columns",
            "keep the two or three that narrow most",
        )
