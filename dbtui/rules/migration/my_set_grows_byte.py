"""A SET or ENUM grows beyond its bytes.

What it does
    Looks for the 9th, 17th, 25th or 33rd member of a SET and the 256th value of an ENUM.

Why it matters
    Each row needs a byte more: the table is copied.

Instead
    Leave room from the start; or a table of its own for the members.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("change column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    known = step.table(action.relation)
    old = known.columns.get(action.name) if known else None
    new = action.column
    if old is None or new is None or step.fresh(action.relation) or not old.type.members:
        return
    was, now = old.type.members, new.type.members
    if now[: len(was)] == was and len(now) > len(was) and step.used("change type"):
        yield Hit(
            str(action.relation),
            f"{action.name} needs another byte: all of {action.relation} is copied",
            "use a table",
        )
