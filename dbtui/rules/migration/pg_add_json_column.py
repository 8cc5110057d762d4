"""A column of type json is added.

What it does
    Looks for ADD COLUMN with type json.

Why it matters
    json has no equality operator, so SELECT DISTINCT, GROUP BY and UNION over the table begin to fail;
    it also keeps and parses the text anew each time.

Instead
    jsonb.

When it is fine
    The text itself must be kept, with its spaces and the order of its keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("add column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if action.column is not None and action.column.type.name == "json" and not action.column.type.array:
        yield Hit(
            str(action.relation),
            f"{action.column.name} is json: DISTINCT and GROUP BY over {action.relation} fail",
            "use jsonb",
            (re.sub(r"\bjson\b", "jsonb", step.statement.sql.rstrip(";"), flags=re.I) + ";",),
        )
