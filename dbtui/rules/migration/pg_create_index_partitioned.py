"""An index on a partitioned table locks all partitions, and CONCURRENTLY is refused.

What it does
    Looks for CREATE INDEX, with and without CONCURRENTLY, on a table known to be partitioned.

Why it matters
    Plain, it stops writes to every partition until all indexes are built; CONCURRENTLY is an error on
    the parent.

Instead
    CREATE INDEX ON ONLY the parent, CREATE INDEX CONCURRENTLY on each partition, ALTER INDEX … ATTACH
    PARTITION.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, columns, quoted, short, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("create index",)


def check(step: Step, action: Action) -> Iterator[Hit]:
    index, known = action.index, step.table(action.relation)
    if index is None or known is None or not known.partitioned or index.only or step.fresh(action.relation):
        return
    parent = sql_name(action.relation)
    name = index.name or short(action.relation.name, *index.columns, "idx")
    names = columns(tuple(c for c in index.columns if c)) or "…"
    unique = "UNIQUE " if index.unique else ""
    steps = [f"CREATE {unique}INDEX {quoted(name)} ON ONLY {parent} ({names});"]
    for child in step.schema.children(action.relation):
        own = quoted(short(child.relation.name, *index.columns, "idx"))
        steps.append(f"CREATE {unique}INDEX CONCURRENTLY {own} ON {sql_name(child.relation)} ({names});")
        steps.append(f"ALTER INDEX {quoted(name)} ATTACH PARTITION {own};")
    yield Hit(
        str(action.relation),
        f"{action.relation} is partitioned: "
        + ("CONCURRENTLY is refused" if index.concurrently else "writes to every partition wait"),
        "create it on the parent alone, CONCURRENTLY on each partition, then attach these",
        tuple(steps),
    )
