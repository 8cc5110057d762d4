"""ADD PRIMARY KEY builds its index under an exclusive lock.

What it does
    Looks for ADD PRIMARY KEY without USING INDEX.

Why it matters
    The index is built, and nullable columns are read, while nobody can use the table.

Instead
    Make the columns NOT NULL by a validated check, CREATE UNIQUE INDEX CONCURRENTLY, then ADD PRIMARY
    KEY USING INDEX.

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
    if made is None or made.kind != "primary key" or made.using_index or step.fresh(action.relation):
        return
    yield Hit(
        str(action.relation),
        f"the index of {columns(made.columns)} is built while {action.relation} is locked against everybody",
        "build the index CONCURRENTLY, then adopt it",
        adopt_index(action.relation, made),
    )
