"""A FULLTEXT index is added.

What it does
    Looks for ADD FULLTEXT and CREATE FULLTEXT INDEX.

Why it matters
    Nobody can write until it is built; the first of a table rebuilds the table, for a hidden column.

Instead
    A quiet hour, or gh-ost.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("create index",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.index is not None and action.index.method == "fulltext" and not step.fresh(action.relation):
        if "inline" in action.options:
            return
        first = " and is rebuilt" if step.used("first fulltext") else ""
        yield Hit(
            str(action.relation),
            f"{action.relation} takes no writes{first} until it is built",
            "take a quiet hour",
        )
