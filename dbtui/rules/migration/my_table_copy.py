"""The whole table is copied.

What it does
    Looks for statements that only ALGORITHM=COPY can do and that no other rule explains: another
    storage engine, ORDER BY, a rebuild of a table with a FULLTEXT index, in MariaDB a column that is
    not the last one beside generated columns, a period, system versioning or a VECTOR index.

Why it matters
    The table is copied row by row; MySQL, and MariaDB before 11.2, lets nobody write meanwhile.

Instead
    gh-ost or pt-online-schema-change.

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
    explained = {
        "rebuild table fulltext", "change engine", "order by", "encryption", "add column placed generated",
        "add versioning", "add vector index",
    }  # fmt: skip
    if step.effects.algorithm != "COPY" or not explained & set(step.effects.cells):
        return
    action = step.statement.actions[0]
    if not step.fresh(action.relation):
        yield Hit(
            str(action.relation), f"all of {action.relation} is copied", "use gh-ost", online(action, step)
        )
