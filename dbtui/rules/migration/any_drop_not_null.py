"""A column may be NULL from now on.

What it does
    Looks for DROP NOT NULL.

Why it matters
    Programs that read the column have never met a NULL there.

Instead
    Teach the programs first.

When it is fine
    They know.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("drop not null",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"programs have never met a NULL in {action.name}",
            "let programs expect it first",
        )
