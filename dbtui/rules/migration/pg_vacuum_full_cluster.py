"""VACUUM FULL and CLUSTER rewrite the table while nobody can use it.

What it does
    Looks for VACUUM FULL and CLUSTER.

Why it matters
    The table is locked against everybody for as long as the copy takes, and needs as much disk again.

Instead
    pg_repack or pg_squeeze; plain VACUUM where the space is to be used again.

When it is fine
    The table was made in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step, sql_name

SEVERITY = Severity.ERROR
SUBJECTS = ("vacuum full", "cluster")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"{action.relation.name or 'every table'} is written anew under AccessExclusiveLock",
            "use pg_repack or pg_squeeze, or plain VACUUM",
            (f"VACUUM (ANALYZE) {sql_name(action.relation)};",) if action.relation.name else (),
        )
