"""TRUNCATE … CASCADE empties every table that refers to this one.

What it does
    Looks for TRUNCATE … CASCADE.

Why it matters
    Tables that the statement does not name lose all their rows, and theirs in turn.

Instead
    Name each table that is meant to be emptied, without CASCADE.

When it is fine
    All referring tables were made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("truncate",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.cascade and not step.fresh(action.relation):
        others = sorted(str(table.relation) for table, _ in step.schema.referencing(action.relation))
        yield Hit(
            str(action.relation),
            "every table that refers to it is emptied too" + (f": {', '.join(others)}" if others else ""),
            "name the tables that are meant, without CASCADE",
            ("TRUNCATE " + ", ".join([sql_name(action.relation)]) + ";",),
        )
