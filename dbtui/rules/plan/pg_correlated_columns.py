"""Columns that depend on each other are filtered together.

What it does
    Looks for scans that compare two columns or more for equality and give at least ten times, and
    100, more rows than were expected.

Why it matters
    The planner multiplies the shares of the columns as if they had nothing to do with each other,
    so that too few rows are expected and the joins above are chosen for a handful.

Instead
    CREATE STATISTICS on the columns, then ANALYZE. An index on them does not help the estimate.

When it is fine
    Extended statistics on the columns are there: then one of the columns alone is misjudged.

See
    https://www.postgresql.org/docs/current/planner-stats.html#PLANNER-STATS-EXTENDED
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.conditions import compared_together, statistics_for
from dbtui.rules.plan.tree import Hit, Tree, name
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if node.rows is None or node.estimated_rows is None:
        return
    factor = node.rows / max(1.0, node.estimated_rows)
    if not tree.reaches("rows", node.rows, 100) or not tree.reaches("rows for each expected", factor, 10):
        return
    columns = compared_together(node)
    if not tree.reaches("columns compared for equality", len(columns), 2):
        return
    listed = ", ".join(columns)
    yield Hit(
        f"{count(node.rows)} rows came where {count(node.estimated_rows)} were expected of"
        f" {name(node)}: {listed} are compared together",
        "let the planner learn how the columns go together",
        {"rows": node.rows, "estimated_rows": node.estimated_rows, "factor": factor, "columns": listed},
        statistics_for(node, columns),
    )
