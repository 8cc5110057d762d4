"""lock_timeout is set while an index is built CONCURRENTLY.

What it does
    Looks for CREATE, DROP and REINDEX … CONCURRENTLY with a lock_timeout or statement_timeout in force.

Why it matters
    These forms wait for older transactions by locks on their virtual ids. A timeout ends that wait and
    leaves an INVALID index, which is written on every change and used by nobody.

Instead
    SET lock_timeout = 0 and statement_timeout = 0 for this statement, and watch it instead.

When it is fine
    Somebody drops the INVALID index and tries again.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.pg_lock_timeout_missing import milliseconds
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("create index", "drop index", "reindex index", "reindex table")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not action.concurrently:
        return
    for name in ("lock_timeout", "statement_timeout"):
        if milliseconds(step.settings.get(name, "0")) > 0:
            yield Hit(
                str(action.relation),
                f"{name} is set: reaching it leaves an INVALID index behind",
                "set it to 0 around this statement",
                (f"SET {name} = 0;", step.statement.sql.rstrip(";") + ";"),
            )
