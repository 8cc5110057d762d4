"""A change of type or collation rebuilds an index under an exclusive lock.

What it does
    Looks for a new collation, or text to citext, on a column that is indexed.

Why it matters
    The table stays as it is, but its indexes are built while nobody can use the table.

Instead
    Drop the index CONCURRENTLY, change the type, create the index CONCURRENTLY.

When it is fine
    The table was made in the same file, or the index is tiny.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, quoted, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("set type",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    known = step.seen(action.relation)
    if known is None or step.fresh(action.relation) or not step.used("set type index", action):
        return
    names = [index.name for index in known.indexes if action.name in index.columns]
    yield Hit(
        str(action.relation),
        f"{', '.join(names)} is rebuilt under AccessExclusiveLock",
        "drop the index CONCURRENTLY first and create it CONCURRENTLY afterwards",
        (
            *(f"DROP INDEX CONCURRENTLY {quoted(name)};" for name in names),
            step.statement.sql.rstrip(";") + ";",
            *(
                f"CREATE INDEX CONCURRENTLY {quoted(name)} ON {sql_name(action.relation)} (…);"
                for name in names
            ),
        ),
    )
