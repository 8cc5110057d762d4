"""ALTER TABLE says neither ALGORITHM= nor LOCK=.

What it does
    Looks for ALTER TABLE, CREATE INDEX and DROP INDEX without both clauses.

Why it matters
    Where the cheap way is not possible, the server silently takes a dearer one.

Instead
    ALGORITHM=INSTANT, else ALGORITHM=INPLACE, LOCK=NONE; plan anew on error 1845 or 1846.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    algorithm = step.effects.algorithm
    if (
        algorithm is None
        or step.effects.rewrites
        or not step.statement.actions
        or "rename table" in step.effects.cells
    ):
        return
    action = step.statement.actions[0]
    table = action.others[0] if action.op == "drop index" and action.others else action.relation
    if step.fresh(table) or {"algorithm", "lock"} & set(action.options):
        return
    clause = "ALGORITHM=INSTANT" if algorithm == "INSTANT" else f"ALGORITHM={algorithm}, LOCK=NONE"
    if any(lock.mode != "NONE" for lock in step.effects.locks):
        return
    sql = step.statement.sql.rstrip(";")
    joined = f"{sql}, {clause};" if sql.upper().startswith("ALTER") else f"{sql} {clause.replace(',', '')};"
    yield Hit(str(table), "a dearer way would be taken silently", f"demand {clause}", (joined,))
