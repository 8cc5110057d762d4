"""REFRESH MATERIALIZED VIEW locks the view against readers.

What it does
    Looks for REFRESH without CONCURRENTLY.

Why it matters
    Nobody can read the view until the query behind it has run.

Instead
    REFRESH … CONCURRENTLY, which needs a unique index over whole columns.

When it is fine
    The view was made in the same file, or nobody reads it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("refresh materialized view",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not action.concurrently and not step.fresh(action.relation):
        name = sql_name(action.relation)
        yield Hit(
            str(action.relation),
            f"{action.relation} cannot be read until its query has run",
            "refresh it CONCURRENTLY; that needs a unique index",
            (f"REFRESH MATERIALIZED VIEW CONCURRENTLY {name};",),
        )
