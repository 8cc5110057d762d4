"""A foreign key is added and proved in one step.

What it does
    Looks for ADD FOREIGN KEY without NOT VALID, and for ALTER CONSTRAINT … ENFORCED.

Why it matters
    Both tables are locked against writes while both are read.

Instead
    Add it as NOT VALID with a short lock_timeout, then VALIDATE CONSTRAINT, which lets others read and
    write.

When it is fine
    One of the tables was made in the same file, so that there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.sequences import not_valid_then_validate
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add constraint", "alter constraint")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if (
        action.op == "alter constraint"
        and step.used("alter constraint enforced", action)
        and not step.fresh(action.relation)
    ):
        names = " and ".join(lock.relation for lock in step.effects.locks)
        yield Hit(
            str(action.relation), f"{names} are locked while both are read", "drop it and add it as NOT VALID"
        )
        return
    made = action.constraint
    if (
        made is None
        or made.kind != "foreign key"
        or not made.valid
        or not made.enforced
        or step.fresh(action.relation)
    ):
        return
    known = step.table(action.relation)
    partitioned = known is not None and known.partitioned and step.version < (18,)
    yield Hit(
        str(action.relation),
        f"{action.relation} and {made.references} are locked against writes while both are read",
        "add it to each partition as NOT VALID, validate these, then add it here: it adopts them"
        if partitioned
        else "add it as NOT VALID, then validate it in another transaction",
        () if partitioned else not_valid_then_validate(action),
    )
