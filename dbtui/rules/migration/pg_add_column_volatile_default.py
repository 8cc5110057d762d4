"""A column is added with a default that differs from row to row.

What it does
    Looks for ADD COLUMN with a volatile default: random(), clock_timestamp(), gen_random_uuid(),
    nextval(), or a function that is not known to be stable.

Why it matters
    The server must compute the value for each row and rewrites the whole table under
    AccessExclusiveLock. now() and CURRENT_TIMESTAMP are stable and cost nothing from 11 on.

Instead
    Add the column without a default, set the default for new rows, fill the old ones in batches.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action, Volatility
from dbtui.rules.migration.sequences import fill_then_not_null
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    column = action.column
    if column is None or column.default is None or column.generated or step.fresh(action.relation):
        return
    if column.default.volatility is Volatility.VOLATILE and step.used("add column computed", action):
        known = [step.schema.functions.get(name.rpartition(".")[2]) for name in column.default.functions]
        if all(volatility in ("stable", "immutable") for volatility in known):
            return
        yield Hit(
            str(action.relation),
            f"{column.default.text or 'the default'} is computed for each row: {action.relation} is written anew",
            "add the column, set its default for new rows, fill the old ones in batches",
            fill_then_not_null(action, step.version),
        )
