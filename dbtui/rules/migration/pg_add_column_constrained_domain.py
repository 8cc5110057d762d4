"""A column of a domain with a constraint is added.

What it does
    Looks for ADD COLUMN whose type is a domain that has a CHECK or NOT NULL.

Why it matters
    The server checks the value of every row, even NULL, and rewrites the table.

Instead
    Take the domain's base type with a CHECK that is NOT VALID first and validated later.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    column = action.column
    if column is None or step.fresh(action.relation):
        return
    domain = step.schema.domain(column.type)
    if domain is not None and domain.constrained:
        yield Hit(
            str(action.relation),
            f"{column.type.text} is a domain with a constraint: {action.relation} is written anew",
            "use the base type and a CHECK, NOT VALID first",
        )
