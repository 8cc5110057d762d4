"""The number of rows that the planner knows of a table is not the true one.

What it does
    Compares estimated and actual rows of sequential scans that have no filter and run to their end:
    the estimate is the table's density when it was last analyzed, times its size now. From a factor
    of 1.5 on it warns.

Why it matters
    All other statistics of the table are as old as its row count.

Instead
    ANALYZE the table; let autovacuum do it more often (autovacuum_analyze_scale_factor), and right
    after bulk changes.

When it is fine
    The table was just loaded or emptied, and autovacuum is on its way.

See
    https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, name
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Seq Scan",)
_STOPPERS = frozenset({"Limit", "Merge Join", "Gather", "Gather Merge"})  # workers share the rows


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if "Filter" in node.raw or node.loops != 1 or node.rows is None or node.estimated_rows is None:
        return
    if any(above.operation in _STOPPERS or _may_stop(above) for above in tree.ancestors(node)):
        return
    known, there = max(1.0, node.estimated_rows), max(1.0, node.rows)
    if not tree.reaches("rows, as known or as they are", max(known, there), 1_000):
        return
    factor = max(known / there, there / known)
    if not tree.reaches("factor between the rows known and those there", factor, 1.5):
        return
    yield Hit(
        f"{name(node)} has {count(node.rows)} rows, and the planner thinks of {count(node.estimated_rows)}",
        "analyze the table",
        {"rows": node.rows, "known_rows": node.estimated_rows, "factor": factor},
        (f"ANALYZE {name(node)};",),
    )


def _may_stop(node: PlanNode) -> bool:
    return node.raw.get("Join Type") in ("Semi", "Anti") or node.relationship in ("SubPlan", "InitPlan")
