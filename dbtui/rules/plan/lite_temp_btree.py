"""Rows are sorted or grouped in a temporary B-tree.

What it does
    Looks for USE TEMP B-TREE, for ORDER BY, GROUP BY, DISTINCT or a compound.

Why it matters
    All rows are collected before the first is given; what outgrows the cache goes to a temporary file.

Instead
    An index on the columns compared for equality and then those of ORDER BY or GROUP BY, with the same directions.
    UNION ALL instead of UNION where no row comes twice.

When it is fine
    There are few rows, or only the last term of the order is sorted.

See
    https://sqlite.org/eqp.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = (
    "USE TEMP B-TREE",
    "UNION USING TEMP B-TREE",
    "INTERSECT USING TEMP B-TREE",
    "EXCEPT USING TEMP B-TREE",
)
_PART = (" LAST ", " RIGHT PART OF ")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if any(part in node.label for part in _PART):
        return
    purpose = node.label.partition(" FOR ")[2] or node.operation.partition(" ")[0]
    yield Hit(
        f"{purpose} collects all rows in a temporary B-tree",
        "UNION ALL needs none"
        if purpose == "UNION"
        else "an index in this order gives the rows as they are wanted",
        {"step": node.label, "purpose": purpose},
    )
