"""A file that is run again cannot be run again.

What it does
    Looks for CREATE and DROP without IF [NOT] EXISTS in files that run without a transaction beside
    other statements, or that run more than once by design.

Why it matters
    After a failure in the middle, the second run fails at what the first has done.

Instead
    IF NOT EXISTS or IF EXISTS, and a look at the state (an INVALID index has the name, too).

When it is fine
    The tool records each statement.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS = ("create table", "create index", "drop table", "drop index", "add column", "drop column")


def check(step: Step, action: Action) -> Iterator[Hit]:
    exposed = step.file.again or (
        step.file.not_transactional and step.file.not_transactional + step.file.transactional > 1
    )
    guarded = action.if_exists or action.if_not_exists
    if exposed and not guarded and not step.fresh(action.relation):
        yield Hit(str(action.relation), "a second run fails here", "guard it with IF [NOT] EXISTS")
