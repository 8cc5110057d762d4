"""DROP … CASCADE takes along whatever depends on it.

What it does
    Looks for DROP TYPE, DOMAIN, EXTENSION, SEQUENCE, FUNCTION and VIEW with CASCADE.

Why it matters
    Columns of a dropped type, defaults of a dropped function or sequence and views of views go too,
    without being named.

Instead
    DROP without CASCADE, which lists what depends on it; drop these by name first.

When it is fine
    Everything that depends on it was looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = (
    "drop type",
    "drop domain",
    "drop extension",
    "drop sequence",
    "drop function",
    "drop view",
    "drop definition",
)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.cascade:
        kind = action.op.removeprefix("drop ")
        yield Hit(
            str(action.relation), f"what depends on this {kind} goes too, unnamed", "drop it without CASCADE"
        )
