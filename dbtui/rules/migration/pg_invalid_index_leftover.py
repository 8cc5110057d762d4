"""CREATE INDEX CONCURRENTLY IF NOT EXISTS accepts a broken index.

What it does
    Looks for IF NOT EXISTS together with CONCURRENTLY.

Why it matters
    When an earlier build failed, its INVALID index has the name: the server says "skipping", the
    migration succeeds, and queries never use the index while every write maintains it.

Instead
    DROP INDEX CONCURRENTLY IF EXISTS first, then create it without IF NOT EXISTS; look at indisvalid
    afterwards.

When it is fine
    Something checks pg_index.indisvalid after the run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action, Relation
from dbtui.rules.migration.step import Hit, Step, sql_name

SEVERITY = Severity.WARNING
SUBJECTS = ("create index",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not action.concurrently or not action.if_not_exists or action.index is None:
        return
    name = sql_name(Relation(action.index.name, action.relation.schema))
    safe = re.sub(r"\s+IF\s+NOT\s+EXISTS\b", "", step.statement.sql.rstrip(";"), count=1, flags=re.I) + ";"
    yield Hit(
        action.index.name,
        "an INVALID index of this name, left by a failed build, would be kept",
        "drop it first, create it without IF NOT EXISTS, then check indisvalid",
        (f"DROP INDEX CONCURRENTLY IF EXISTS {name};", safe),
    )
