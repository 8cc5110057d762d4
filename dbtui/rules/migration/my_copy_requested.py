"""ALGORITHM=COPY is demanded.

What it does
    Looks for ALGORITHM=COPY in a statement.

Why it matters
    The table is copied where less would do.

Instead
    Leave the clause out, or demand INSTANT or INPLACE.

When it is fine
    The server must not use a newer algorithm, because of a known bug.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    for action in step.statement.actions:
        if action.options.get("algorithm") == "COPY" and not step.fresh(action.relation):
            yield Hit(
                str(action.relation),
                f"all of {action.relation} is copied",
                "demand INSTANT or INPLACE instead",
            )
            return
