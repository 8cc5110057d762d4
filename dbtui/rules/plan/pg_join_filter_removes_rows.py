"""A join makes rows that its filter throws away.

What it does
    Looks for joins whose filter removes at least 10,000 rows; from a million on it is an error.

Why it matters
    Pairs of rows are built only to be dropped: the condition is not one that the join can search
    by.

Instead
    Write the condition as an equality or a range on columns that an index or a hash can use.

When it is fine
    The condition cannot be written otherwise, as with overlapping intervals (then a GiST index may
    help).

See
    https://www.postgresql.org/docs/current/using-explain.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, lost, text
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = (
    "Nested Loop",
    "Hash Join",
    "Merge Join",
)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    removed = lost(node, "Rows Removed by Join Filter")
    if not tree.reaches("pairs removed by the join filter", removed, 10_000):
        return
    yield Hit(
        f"{count(removed)} pairs of rows are built and thrown away",
        "make the condition one that the join can search by: an equality or a range on plain columns",
        {"rows_removed": removed, "join_filter": text(node, "Join Filter")},
        severity=Severity.ERROR if removed >= 1_000_000 else None,
    )
