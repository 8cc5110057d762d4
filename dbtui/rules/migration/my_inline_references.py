"""REFERENCES at a column is read and ignored.

What it does
    Looks for column-level REFERENCES on MySQL before 9.

Why it matters
    The server accepts it and makes no foreign key.

Instead
    FOREIGN KEY (…) REFERENCES … as an element of its own.

When it is fine
    From MySQL 9 on, and on MariaDB, it is obeyed.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action, Engine
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.WARNING
SUBJECTS = ("create table", "add column")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.engine is Engine.MARIADB or step.version >= (9,):
        return
    for column in (action.column, *action.columns):
        if column is not None and column.has("foreign key"):
            yield Hit(
                str(action.relation),
                f"{column.name} gets no foreign key",
                "write FOREIGN KEY (…) REFERENCES …",
            )
