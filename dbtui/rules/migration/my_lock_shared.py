"""LOCK=SHARED or LOCK=EXCLUSIVE is demanded, or needed by an index on an expression.

What it does
    Looks for LOCK=SHARED and LOCK=EXCLUSIVE in a statement, and for functional key parts in MySQL.

Why it matters
    Writers, or everybody, wait for as long as it takes.

Instead
    LOCK=NONE, so that the server refuses what it cannot do beside writers. For an index on an expression:
    a VIRTUAL column, which is instant, and an index on it.

When it is fine
    Writers must wait.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    for action in step.statement.actions:
        if step.used("add index expression", action) and not step.fresh(action.relation):
            yield Hit(
                str(action.relation),
                f"writers of {action.relation} wait until the index on an expression is built",
                "add a VIRTUAL column of the expression, then an index on it",
            )
            return
        if action.options.get("lock") in ("SHARED", "EXCLUSIVE") and not step.fresh(action.relation):
            yield Hit(
                str(action.relation), f"LOCK={action.options['lock']} keeps writers out", "demand LOCK=NONE"
            )
            return
