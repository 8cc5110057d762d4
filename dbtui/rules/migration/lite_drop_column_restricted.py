"""SQLite cannot drop this column.

What it does
    Looks for DROP COLUMN before 3.35, and of a column that is a key, or that a known index, check,
    foreign key, generated column, trigger or view uses.

Why it matters
    The statement fails.

Instead
    Drop the index first; otherwise the twelve steps.

When it is fine
    Nothing uses the column.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action, KnownTable
from dbtui.rules.migration.rebuild import rebuild
from dbtui.rules.migration.step import Hit, Step, quoted

SEVERITY = Severity.ERROR
SUBJECTS = ("drop column",)


def _users(known: KnownTable, name: str) -> Iterator[str]:
    """What keeps a column from being dropped. A CHECK or REFERENCES written at the column goes with it."""
    column = known.columns.get(name)
    own = [
        (c.kind, c.columns, c.mentions)
        for c in (column.constraints if column else ())
        if c.kind in ("check", "foreign key")
    ]
    for constraint in known.constraints:
        mentioned = name in (*constraint.columns, *constraint.mentions)
        if mentioned and (constraint.kind, constraint.columns, constraint.mentions) not in own:
            yield f"{constraint.kind} {constraint.name}".strip()
    for index in known.indexes:
        if name in index.columns and not index.constraint:
            yield f"index {index.name}"


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.version < (3, 35):
        yield Hit(
            str(action.relation),
            "DROP COLUMN needs SQLite 3.35",
            "rebuild the table",
            rebuild(action.relation),
        )
        return
    known = step.table(action.relation)
    users = list(_users(known, action.name)) if known is not None else []
    if users:
        only_indexes = all(user.startswith("index ") for user in users)
        yield Hit(
            str(action.relation),
            f"{action.name} is used by {', '.join(users)}",
            "drop the index first" if only_indexes else "rebuild the table",
            tuple(f"DROP INDEX {quoted(user[6:])};" for user in users)
            if only_indexes
            else rebuild(action.relation),
        )
