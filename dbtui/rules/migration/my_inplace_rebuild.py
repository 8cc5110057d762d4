"""The table is rebuilt, in place.

What it does
    Looks for ALTER TABLE that INPLACE can do but only by rebuilding the table: columns where INSTANT
    is not possible, NULL to NOT NULL and back, reordering, ROW_FORMAT, primary keys, FORCE, OPTIMIZE.

Why it matters
    Others may write, but the table is copied: disk for a second copy, heavy reading and writing, and
    replicas that replay it in one piece fall behind.

Instead
    gh-ost or pt-online-schema-change for a big table; for a small one ALGORITHM=INPLACE, LOCK=NONE with
    a short lock_wait_timeout.

When it is fine
    The table was made in the same file, or is small.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.online import online
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    if step.effects.algorithm != "INPLACE" or not step.effects.rewrites:
        return
    for name in step.effects.rewrites:
        action = next(
            (a for a in step.statement.actions if str(a.relation) == name), step.statement.actions[0]
        )
        if step.fresh(action.relation):
            continue
        yield Hit(
            name,
            f"{name} is rebuilt; replicas wait for all of it",
            "use gh-ost or pt-online-schema-change, or take a quiet hour",
            online(action, step),
        )
