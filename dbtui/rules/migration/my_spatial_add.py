"""A SPATIAL index is added.

What it does
    Looks for ADD SPATIAL and CREATE SPATIAL INDEX.

Why it matters
    Nobody can write until it is built.

Instead
    A quiet hour, or gh-ost.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("create index",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    spatial = action.index is not None and action.index.method == "spatial"
    if spatial and "inline" not in action.options and not step.fresh(action.relation):
        yield Hit(
            str(action.relation), f"{action.relation} takes no writes until it is built", "take a quiet hour"
        )
