"""SQLite cannot add this column to a table with rows.

What it does
    Looks for ADD COLUMN with NOT NULL and no default, UNIQUE, PRIMARY KEY, a default that is not
    constant, or STORED.

Why it matters
    The statement fails; for some of them only when the table has rows.

Instead
    A nullable column or a constant default, an index of its own for UNIQUE; else the twelve steps.

When it is fine
    The table was made in the same file and has no rows, for NOT NULL and defaults that are not
    constant.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action, Volatility
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("add column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    column = action.column
    if column is None:
        return
    value = column.default
    dynamic = value is not None and (
        value.volatility in (Volatility.STABLE, Volatility.VOLATILE) or value.text.startswith("(")
    )
    problems = {
        "PRIMARY KEY cannot be added": column.has("primary key"),
        "UNIQUE cannot be added": column.has("unique"),
        "STORED cannot be added": column.generated == "stored",
        "the default is not constant": dynamic and not step.fresh(action.relation),
        "NOT NULL needs a default": column.not_null
        and not column.generated
        and (value is None or value.volatility is Volatility.NULL)
        and not step.fresh(action.relation),
        "REFERENCES needs a default of NULL": column.has("foreign key")
        and value is not None
        and value.volatility is not Volatility.NULL
        and step.settings.get("foreign_keys") in ("on", "1", "true"),
    }
    for problem, true in problems.items():
        if true:
            yield Hit(
                str(action.relation),
                f"{column.name}: {problem}",
                "add it nullable or with a constant default",
            )
            return
