"""ADD UNIQUE builds its index under an exclusive lock.

What it does
    Looks for ADD CONSTRAINT … UNIQUE without USING INDEX.

Why it matters
    The index is built while nobody can read or write the table.

Instead
    CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … UNIQUE USING INDEX, which is instant.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.sequences import adopt_index
from dbtui.rules.migration.step import Hit, Step, columns

SEVERITY = Severity.ERROR
SUBJECTS = ("add constraint",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    made = action.constraint
    if made is None or made.kind != "unique" or made.using_index or step.fresh(action.relation):
        return
    if not step.effects.scans:  # ONLY a partitioned table, which has no rows of its own
        return
    yield Hit(
        str(action.relation),
        f"the index of {columns(made.columns)} is built while {action.relation} is locked against everybody",
        "build the index CONCURRENTLY, then adopt it",
        adopt_index(action.relation, made),
    )
