"""The columns of a foreign key have no index.

What it does
    Looks for foreign keys whose columns are not the first of a known index that is whole and valid.

Why it matters
    Each delete or key update of a referenced row reads the whole referencing table, holding locks
    meanwhile.

Instead
    CREATE INDEX CONCURRENTLY on the columns before the foreign key.

When it is fine
    Referenced rows are never deleted and their keys never change. An index in a later statement of the
    file counts for the next run only.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, columns, sql_name

SEVERITY = Severity.WARNING
SUBJECTS = ("add constraint", "create table", "add column")


def check(step: Step, action: Action) -> Iterator[Hit]:
    known = step.table(action.relation)
    if action.op == "add constraint" and known is None:
        return
    added = [action.constraint] if action.constraint else list(action.constraints)
    if action.op == "add column" and action.column is not None:
        added = list(action.column.constraints)
    own = [c.columns for c in action.constraints if c.kind in ("primary key", "unique")]
    for constraint in added:
        if constraint.kind != "foreign key" or constraint.references is None:
            continue
        width = len(constraint.columns)
        if any(set(columns_of[:width]) == set(constraint.columns) for columns_of in own):
            continue
        if known is not None and known.index_on(constraint.columns) is not None:
            continue
        names = columns(constraint.columns)
        yield Hit(
            str(action.relation),
            f"no index starts with ({names}): deletes from {constraint.references} read all of {action.relation}",
            "create one before the foreign key",
            (f"CREATE INDEX CONCURRENTLY ON {sql_name(action.relation)} ({names});",),
            severity=Severity.INFO if action.op != "add constraint" else None,
        )
