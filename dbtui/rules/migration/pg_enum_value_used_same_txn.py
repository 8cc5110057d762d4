"""A new value of an enum is used in the transaction that adds it.

What it does
    Looks for a statement that holds the value's text after ALTER TYPE … ADD VALUE in the same
    transaction, and for ADD VALUE in a transaction before 12.

Why it matters
    The server refuses the use (55P04), and before 12 the ADD VALUE itself (25001).

Instead
    Commit between the two.

When it is fine
    The type was made in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    own = [action for action in step.statement.actions if action.op == "add enum value"]
    if own and step.transaction and step.version < (12,):
        yield Hit(
            str(own[0].relation),
            "before 12, ADD VALUE is refused inside a transaction",
            "commit first",
            ("COMMIT;",),
        )
    for before in step.earlier_actions():
        if before.op != "add enum value" or not step.transaction:
            continue
        if step.schema.enums.get(str(before.relation)) == step.transaction:
            continue
        if f"'{before.name}'" in step.statement.sql and not own:
            yield Hit(
                str(before.relation),
                f"'{before.name}' cannot be used before the transaction that added it has committed (55P04)",
                "commit between the two",
                ("COMMIT;",),
            )
            return
