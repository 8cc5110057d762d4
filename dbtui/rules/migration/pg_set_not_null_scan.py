"""SET NOT NULL reads the whole table while nobody can use it.

What it does
    Looks for SET NOT NULL on a column that no validated CHECK proves to be filled, and for ADD
    CONSTRAINT … NOT NULL without NOT VALID.

Why it matters
    Every row is read under AccessExclusiveLock.

Instead
    Add CHECK (x IS NOT NULL) NOT VALID, fill, validate, then SET NOT NULL (free from 12 on) and drop
    the check in a statement of its own. From 18 on: ADD CONSTRAINT … NOT NULL x NOT VALID and validate.

When it is fine
    The table was made in the same file, or the column is NOT NULL already.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.sequences import set_not_null
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("set not null", "add constraint")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.fresh(action.relation):
        return
    if action.op == "add constraint":
        made = action.constraint
        if made is None or made.kind != "not null" or not step.used("add not null", action):
            return
        column = made.columns[0]
    else:
        column = action.name
        known = step.seen(action.relation)
        if known is not None and known.proves_not_null(column) and step.version >= (12,):
            return  # its proof is dropped in the same statement, which another rule says
        proved = step.used("set not null proved", action) and step.version >= (12,)
        if proved or step.used("set not null already", action) or not step.effects.scans:
            return
    yield Hit(
        str(action.relation),
        f"all of {action.relation} is read under AccessExclusiveLock to prove {column} NOT NULL",
        "prove it beforehand by a check that is validated beside the readers and writers",
        set_not_null(action.relation, column, step.version),
    )
