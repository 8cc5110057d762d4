"""A partition is dropped with its rows.

What it does
    Looks for DROP PARTITION and TRUNCATE PARTITION.

Why it matters
    All rows of the partition are gone at once.

Instead
    EXCHANGE PARTITION with an empty table, which keeps them for a while.

When it is fine
    The rows are meant to go.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("drop partition", "truncate partition")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            "the rows of the partition are gone",
            "exchange it with an empty table first",
        )
