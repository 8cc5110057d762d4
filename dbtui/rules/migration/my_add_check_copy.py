"""A CHECK is added and proved in one step.

What it does
    Looks for ADD CHECK and ALTER CHECK … ENFORCED.

Why it matters
    The table is copied; MySQL, and MariaDB before 11.2, lets nobody write meanwhile.

Instead
    MySQL: ADD … NOT ENFORCED, which proves nothing; or check in the program; or a quiet hour.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add constraint", "add column", "alter constraint")


def check(step: Step, action: Action) -> Iterator[Hit]:
    copying = {"add check", "enforce check", "add column check"} & set(step.effects.cells)
    own = action.options.get("enforced") == "yes" or (
        action.constraint is not None and action.constraint.kind == "check"
    )
    own = own or (action.column is not None and action.column.has("check"))
    if copying and own and step.effects.rewrites and not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"all of {action.relation} is copied to prove the check",
            "take a quiet hour",
        )
