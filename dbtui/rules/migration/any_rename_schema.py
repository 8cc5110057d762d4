"""A schema or database is renamed.

What it does
    Looks for ALTER SCHEMA … RENAME and ALTER DATABASE … RENAME.

Why it matters
    Programs, search paths and grants in code that name it fail.

Instead
    A new schema with views, programs moved over, then the old one dropped.

When it is fine
    Nothing uses it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("rename schema", "rename database")


def check(step: Step, action: Action) -> Iterator[Hit]:
    yield Hit(
        action.name or str(action.relation),
        "programs that know the old name fail",
        "move programs over first",
    )
