"""A stored generated column is added to a table.

What it does
    Looks for ADD COLUMN … GENERATED ALWAYS AS (…) STORED.

Why it matters
    The value is computed for every row under AccessExclusiveLock and the table is written anew.

Instead
    A VIRTUAL column from 18 on; before, a plain column with a trigger, filled in batches.

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
    if column is None or column.generated != "stored" or step.fresh(action.relation):
        return
    virtual = re.sub(r"\bSTORED\b", "VIRTUAL", step.statement.sql.rstrip(";"), flags=re.I) + ";"
    yield Hit(
        str(action.relation),
        f"{column.name} is computed for each row: {action.relation} is written anew",
        "make it VIRTUAL"
        if step.version >= (18,)
        else "add a plain column, keep it by a trigger, fill in batches",
        (virtual,) if step.version >= (18,) and len(step.statement.actions) == 1 else (),
    )
