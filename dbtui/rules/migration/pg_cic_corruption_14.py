"""An index built CONCURRENTLY on 14.0 to 14.3 may be corrupt.

What it does
    Looks for CREATE INDEX and REINDEX CONCURRENTLY on these versions.

Why it matters
    Rows that are updated meanwhile can be missing from the index, and nothing says so.

Instead
    Update to 14.4 or later first, then REINDEX what was built before.

When it is fine
    Never on these versions.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("create index", "reindex index", "reindex table")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.concurrently and (14, 0) <= step.version < (14, 4) and len(step.version) > 1:
        yield Hit(
            str(action.relation),
            "PostgreSQL 14.0 to 14.3 can miss rows in such an index",
            "update to 14.4 or later first",
        )
