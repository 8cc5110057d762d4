"""A value is added to an enum without saying where.

What it does
    Looks for ADD VALUE without BEFORE or AFTER.

Why it matters
    It goes last, ORDER BY follows, and a value can never be removed or moved.

Instead
    Say BEFORE or AFTER, if the order means something.

When it is fine
    Nobody sorts by the type.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS = ("add enum value",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if "placed" not in action.options:
        yield Hit(
            str(action.relation), f"'{action.name}' goes last and can never be moved", "say BEFORE or AFTER"
        )
