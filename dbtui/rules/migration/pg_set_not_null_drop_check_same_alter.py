"""SET NOT NULL and DROP CONSTRAINT of its proof stand in one ALTER TABLE.

What it does
    Looks for an ALTER TABLE that sets a column NOT NULL and drops the validated CHECK that proves it.

Why it matters
    PostgreSQL drops first, whatever the order, so the proof is gone and the table is read under
    AccessExclusiveLock.

Instead
    Two statements; they may share a transaction.

When it is fine
    Never: two statements cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, quoted, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("set not null",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    known = step.seen(action.relation)
    if known is None or step.fresh(action.relation):
        return
    dropped = frozenset(other.name for other in step.statement.actions if other.op == "drop constraint")
    if known.proves_not_null(action.name) and not known.proves_not_null(action.name, but=dropped):
        table = sql_name(action.relation)
        proof = next(c.name for c in known.constraints if c.name in dropped and action.name in c.not_null)
        yield Hit(
            str(action.relation),
            f"{proof}, which proves {action.name} NOT NULL, is dropped first: the table is read after all",
            "drop the check in a statement of its own, afterwards",
            (
                f"ALTER TABLE {table} ALTER COLUMN {quoted(action.name)} SET NOT NULL;",
                f"ALTER TABLE {table} DROP CONSTRAINT {quoted(proof)};",
            ),
        )
