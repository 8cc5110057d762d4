"""Two ALTER TABLE statements in a row on the same table.

What it does
    Looks for ALTER TABLE after ALTER TABLE on the same table with the same lock and no work on rows.

Why it matters
    Each queues for the lock anew, and each time others queue behind it.

Instead
    One ALTER TABLE with both, unless one of them is a proof that the other needs.

When it is fine
    They are in one transaction: the lock is kept between them.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ()

_MERGEABLE = {
    "add column", "drop column", "set default", "drop default", "drop not null", "drop constraint", "set storage",
    "set compression", "add constraint",
}  # fmt: skip


def check(step: Step, _: None) -> Iterator[Hit]:
    if step.previous is None or step.transaction or not step.statement.actions:
        return
    target = step.statement.actions[0].relation
    both = (step.statement.actions, step.previous.actions)
    if not all(actions and all(action.op in _MERGEABLE for action in actions) for actions in both):
        return
    names = {str(action.relation) for actions in both for action in actions}
    quiet = not step.effects.scans and not step.previous.effects.scans
    if len(names) == 1 and not step.fresh(target) and quiet:
        yield Hit(
            str(target),
            f"{target} is queued for once more",
            "put both into one ALTER TABLE",
        )
