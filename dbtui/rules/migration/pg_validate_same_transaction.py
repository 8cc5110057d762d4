"""A constraint is validated in the transaction that added it.

What it does
    Looks for VALIDATE CONSTRAINT after ADD CONSTRAINT … NOT VALID in the same transaction.

Why it matters
    The lock of ADD CONSTRAINT is still held, so the scan that VALIDATE was meant to do beside others
    keeps them out.

Instead
    Commit between the two.

When it is fine
    The table was made in the same file, or is tiny.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, quoted, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("validate constraint",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.fresh(action.relation):
        return
    for before in step.earlier_actions():
        same = before.op == "add constraint" and before.name == action.name
        if same and step.schema.same(before.relation, action.relation):
            yield Hit(
                str(action.relation),
                f"{action.name} is scanned under the lock that adding it took",
                "commit after ADD CONSTRAINT … NOT VALID, validate in a transaction of its own",
                (
                    "COMMIT;",
                    f"ALTER TABLE {sql_name(action.relation)} VALIDATE CONSTRAINT {quoted(action.name)};",
                ),
            )
