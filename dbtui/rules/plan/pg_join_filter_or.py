"""A join filter joins conditions of different tables by OR.

What it does
    Looks for joins whose filter is an OR with branches about different tables, and that throws away
    10,000 pairs of rows or more.

Why it matters
    No index and no hash serves an OR across tables, so every pair is built and tested.

Instead
    Write one query for each branch and join them by UNION. UNION drops duplicates: keep the primary
    key among the columns, or exclude the first branch from the second and use UNION ALL.

When it is fine
    One side has a handful of rows.

See
    https://www.postgresql.org/docs/current/indexes-bitmap-scans.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.conditions import branches, conjuncts, tables_of
from dbtui.rules.plan.tree import Hit, Tree, lost, text
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Nested Loop", "Hash Join", "Merge Join")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    condition = text(node, "Join Filter")
    either = (branches(part) for part in conjuncts(condition))
    parts = next((found for found in either if len({tables_of(branch) for branch in found}) > 1), None)
    if parts is None:
        return
    removed = lost(node, "Rows Removed by Join Filter")
    if not tree.reaches("pairs removed by the join filter", removed, 10_000):
        return
    yield Hit(
        f"{count(removed)} pairs of rows are tested by an OR of {len(parts)} branches about different tables",
        "write a UNION with one query for each branch",
        {"rows_removed": removed, "branches": float(len(parts)), "join_filter": condition},
    )
