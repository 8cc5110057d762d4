"""A change of partitioning copies rows.

What it does
    Looks for PARTITION BY, REMOVE PARTITIONING, REORGANIZE, COALESCE, REBUILD, and ADD PARTITION of
    HASH and KEY.

Why it matters
    The rows of all parts concerned are copied and nobody can write to them meanwhile.

Instead
    ADD PARTITION at the end of a RANGE, EXCHANGE PARTITION; gh-ost to partition a table.

When it is fine
    The table was made in the same file, or the parts are empty.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step

SEVERITY = Severity.ERROR
SUBJECTS = ("partition by", "add partition", "reorganize partition")


def check(step: Step, action: Action) -> Iterator[Hit]:
    if step.effects.rewrites and not step.fresh(action.relation):
        yield Hit(
            str(action.relation),
            f"rows of {action.relation} are copied",
            "add at the end of a RANGE, or use gh-ost",
        )
