"""A constraint is validated while its table is locked.

What it does
    Looks for VALIDATE CONSTRAINT in a statement or transaction that has taken a stronger lock on the
    table, such as that of ADD CONSTRAINT … NOT VALID.

Why it matters
    The lock is still held, so the scan that VALIDATE was meant to do beside others keeps them out.

Instead
    Commit between the two.

When it is fine
    The table was made in the same file, or is tiny.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action, Effects
from dbtui.rules.migration.step import Hit, Step, quoted, sql_name
from dbtui.rules.migration.transaction import relation_of

SEVERITY = Severity.ERROR
SUBJECTS = ("validate constraint",)

_BESIDE_WRITERS = {"AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock"}


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.fresh(action.relation) or step.used("validate done", action):
        return
    together = _locked(step, action, step.effects)
    if together or any(_locked(step, action, done.effects) for done in step.earlier):
        yield Hit(
            str(action.relation),
            f"{action.relation} is locked while {action.name} is checked on every row",
            "validate in a statement of its own"
            if together
            else "commit first, validate in a transaction of its own",
            (
                *(() if together else ("COMMIT;",)),
                f"ALTER TABLE {sql_name(action.relation)} VALIDATE CONSTRAINT {quoted(action.name)};",
            ),
        )


def _locked(step: Step, action: Action, effects: Effects) -> bool:
    return any(
        lock.mode not in _BESIDE_WRITERS and step.schema.same(relation_of(lock.relation), action.relation)
        for lock in effects.locks
    )
