"""REINDEX stops writes, and reads that use the index.

What it does
    Looks for REINDEX without CONCURRENTLY.

Why it matters
    The table takes no writes, and the index is locked against everybody, until it is built.

Instead
    REINDEX … CONCURRENTLY from 12 on; before, create a second index CONCURRENTLY and drop the first.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("reindex index", "reindex table", "reindex schema", "reindex database")


def check(step: Step, action: Action) -> Iterator[Hit]:
    table = action.relation
    if action.op == "reindex index":
        found = step.schema.index(action.relation)
        table = found[0].relation if found else table
    if action.concurrently or step.fresh(table):
        return
    kind = action.op.removeprefix("reindex ").upper()
    safe = f"REINDEX {kind} CONCURRENTLY {sql_name(action.relation)};" if action.relation.name else ""
    yield Hit(
        str(action.relation),
        "writes wait, and so do reads through the index, until it is built",
        "REINDEX CONCURRENTLY"
        if step.version >= (12,)
        else "create a second index CONCURRENTLY, drop the first",
        (safe,) if safe and step.version >= (12,) else (),
    )
