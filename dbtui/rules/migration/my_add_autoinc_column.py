"""An AUTO_INCREMENT column is added.

What it does
    Looks for ADD COLUMN … AUTO_INCREMENT.

Why it matters
    The table is rebuilt, nobody can write meanwhile, and replicas may number the rows differently.

Instead
    A new table with the column, filled by gh-ost or in batches.

When it is fine
    The table was made in the same file, or is small.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.column is not None and action.column.serial and not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"{action.relation} is rebuilt and takes no writes while rows are numbered",
            "fill a new table in batches and swap the names",
        )
