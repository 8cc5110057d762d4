"""A primary key adopts an index over a nullable column.

What it does
    Looks for ADD PRIMARY KEY USING INDEX where a column of the index is known to be nullable.

Why it matters
    A hidden SET NOT NULL reads the table under AccessExclusiveLock.

Instead
    Make the column NOT NULL by a validated check first.

When it is fine
    The columns are NOT NULL already.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.sequences import set_not_null
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add constraint",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    made, known = action.constraint, step.seen(action.relation)
    if (
        made is None
        or known is None
        or not step.used("add primary key using index nullable", action)
        or step.fresh(action.relation)
    ):
        return
    index = next((i for i in known.indexes if i.name == made.using_index), None)
    for name in index.columns if index else ():
        column = known.columns.get(name)
        if column is not None and not column.not_null:
            yield Hit(
                str(action.relation),
                f"{name} is nullable: all of {action.relation} is read under AccessExclusiveLock",
                "make it NOT NULL by a validated check first",
                set_not_null(action.relation, name, step.version),
            )
