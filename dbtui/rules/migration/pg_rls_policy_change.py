"""Row security or a policy changes.

What it does
    Looks for ENABLE and DISABLE ROW LEVEL SECURITY and for policies on tables in use.

Why it matters
    The table is locked against everybody for a moment, and from then on roles see other rows: after
    ENABLE without a policy they see none.

Instead
    Create the policies first, then enable row security, both in one transaction with a short
    lock_timeout.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, with_timeout

SEVERITY = Severity.WARNING
SUBJECTS = (
    "enable row security",
    "force row security",
    "disable row security",
    "no force row security",
    "create policy",
    "alter policy",
    "drop policy",
)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.fresh(action.relation):
        return
    hides = action.op in ("enable row security", "force row security")
    yield Hit(
        str(action.relation),
        "roles without a policy see no rows any more" if hides else "roles see other rows from now on",
        "try it as the application's role, in one transaction with a short lock_timeout",
        with_timeout(step.statement.sql.rstrip(";") + ";"),
        severity=Severity.ERROR if hides else None,
    )
