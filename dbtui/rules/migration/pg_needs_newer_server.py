"""The server's version does not have the statement.

What it does
    Looks for forms that came later than the server's version: VIRTUAL columns, NOT ENFORCED and NOT
    NULL … NOT VALID (18), SET EXPRESSION (17), DETACH … CONCURRENTLY (14), REINDEX CONCURRENTLY (12).

Why it matters
    The server refuses the statement, and what follows in the file does not run.

Instead
    The older form that other rules show, or a newer server.

When it is fine
    Never on that version.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    if step.refused:
        yield Hit("", step.refused, "give --server-version, or write the form of that version")
        return
    for action in step.statement.actions:
        made = action.constraint
        if made is not None and not made.enforced and step.version < (18,):
            yield Hit(str(action.relation), "NOT ENFORCED needs PostgreSQL 18", "leave the constraint out")
