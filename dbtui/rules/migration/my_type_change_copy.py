"""A change of a column copies the table.

What it does
    Looks for MODIFY and CHANGE to another type, sign, length or character set that only ALGORITHM=COPY
    can do, and for columns whose old type is not known.

Why it matters
    The table is copied row by row; MySQL, and MariaDB before 11.2, lets nobody write meanwhile.

Instead
    gh-ost, pt-online-schema-change or spirit; or a new column, a trigger, a backfill and a swap.

When it is fine
    The table was made in the same file, or is small. Give --schema so that the old type is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.online import online
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("change column",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    copying = (
        "change type",
        "change virtual expression",
        "column charset",
        "column autoincrement",
        "reorder column generated",
        "nullability generated",
    )
    own = any(step.used(name, action) for name in copying)
    if not own or step.fresh(action.relation) or action.column is None or step.effects.algorithm != "COPY":
        return
    known = step.table(action.relation)
    old = known.columns.get(action.name) if known else None
    unknown = "" if old else ", as far as is known without the old type (--schema)"
    yield Hit(
        str(action.relation),
        f"{action.name} to {action.column.type.text} copies all of {action.relation}{unknown}",
        "use gh-ost or pt-online-schema-change",
        online(action, step),
    )
