"""A column becomes NOT NULL.

What it does
    Looks for MODIFY and CHANGE that add NOT NULL.

Why it matters
    With a sql_mode that is not strict, NULL silently becomes 0 or '': with a strict one the statement
    fails at the end of a long rebuild.

Instead
    Fill the NULLs in batches first, and set a strict sql_mode in the script.

When it is fine
    There are no NULLs.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("change column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    known = step.table(action.relation)
    old = known.columns.get(action.name) if known else None
    new = action.column
    if (
        old is not None
        and new is not None
        and new.not_null
        and not old.not_null
        and not step.fresh(action.relation)
    ):
        yield Hit(
            str(action.relation),
            f"a NULL in {action.name} fails late, or silently becomes 0 or ''",
            "fill the NULLs first and set a strict mode",
            ("SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES');",),
        )
