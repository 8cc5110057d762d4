"""Triggers are switched off.

What it does
    Looks for ALTER TABLE … DISABLE TRIGGER.

Why it matters
    For every session, what the trigger guards is not guarded; ALL switches foreign keys off too, and
    rows that break them are not found later.

Instead
    session_replication_role = replica in the one session that needs it, or a condition in the trigger.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("disable trigger",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"{action.name or 'all triggers'} of {action.relation} no longer run, for anybody",
            "switch them off for one session: SET LOCAL session_replication_role = replica",
        )
