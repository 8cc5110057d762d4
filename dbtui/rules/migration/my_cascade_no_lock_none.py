"""LOCK=NONE on a table whose foreign keys cascade.

What it does
    Looks for MODIFY and CHANGE of a column of a known foreign key with ON … CASCADE or SET NULL.

Why it matters
    The server refuses LOCK=NONE, and tools that copy by triggers do not see the cascades.

Instead
    Plan for LOCK=SHARED, or drop the foreign key for the time of the change.

When it is fine
    The column is not part of the foreign key.
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
    if known is None or step.fresh(action.relation):
        return
    for constraint in known.constraints:
        cascades = {constraint.on_delete, constraint.on_update} & {"cascade", "set null"}
        if constraint.kind == "foreign key" and cascades and action.name in constraint.columns:
            yield Hit(
                str(action.relation), f"{constraint.name} cascades into {action.name}", "plan for LOCK=SHARED"
            )
