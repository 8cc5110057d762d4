"""A stored generated column is added.

What it does
    Looks for ADD COLUMN … AS (…) STORED or PERSISTENT.

Why it matters
    The table is copied.

Instead
    A VIRTUAL column, which is instant, with an index where it is searched.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    column = action.column
    if column is not None and column.generated == "stored" and not step.fresh(action.relation):
        virtual = (
            re.sub(r"\b(STORED|PERSISTENT)\b", "VIRTUAL", step.statement.sql.rstrip(";"), flags=re.I) + ";"
        )
        yield Hit(str(action.relation), f"all of {action.relation} is copied", "make it VIRTUAL", (virtual,))
