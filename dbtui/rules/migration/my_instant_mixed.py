"""An instant change stands in one ALTER TABLE with one that is not.

What it does
    Looks for ADD or DROP COLUMN beside ADD INDEX or the like.

Why it matters
    Together they are as expensive as the most expensive of them, and the table is rebuilt for the column.

Instead
    Two statements: the column with ALGORITHM=INSTANT, the rest by itself.

When it is fine
    The table is rebuilt anyway.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.migration.step import Hit, Step, sql_name

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(step: Step, _: None) -> Iterator[Hit]:
    names = {"add column", "add column placed", "drop column"} & set(step.effects.cells)
    if not names or step.effects.algorithm in (None, "INSTANT") or len(step.statement.actions) < 2:
        return
    action = step.statement.actions[0]
    if step.fresh(action.relation) or not any(a.text for a in step.statement.actions):
        return
    table = sql_name(action.relation, step.engine)
    instant = [a for a in step.statement.actions if a.op in ("add column", "drop column")]
    rest = [a for a in step.statement.actions if a not in instant]
    if rest:
        yield Hit(
            str(action.relation),
            "the column alone would be instant; together the table is rebuilt",
            "split it",
            (
                f"ALTER TABLE {table} {', '.join(a.text for a in instant)}, ALGORITHM=INSTANT;",
                f"ALTER TABLE {table} {', '.join(a.text for a in rest)};",
            ),
        )
