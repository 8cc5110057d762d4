"""A subquery runs once for each row.

What it does
    Looks for SubPlans that ran at least 1,000 times; from 10,000 times on it is an error.

Why it matters
    The subquery cannot be joined, so its cost is multiplied by the rows outside.

Instead
    Write it as a join or LATERAL with an aggregate; otherwise index the column that ties it to the
    outer row.

When it is fine
    It is very cheap and the rows outside are few in other runs.

See
    https://www.postgresql.org/docs/current/functions-subquery.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import count, milliseconds

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    loops = node.loops or 0.0
    if node.relationship != "SubPlan" or not tree.reaches("loops of the subplan", loops, 1_000):
        return
    yield Hit(
        f"{node.subplan} runs {count(loops)} times and takes {milliseconds(node.total_ms) or 'unknown time'}",
        "write it as a join or LATERAL, or index the column that ties it to the outer row",
        {"loops": loops, "total_ms": node.total_ms or 0.0, "subplan": node.subplan},
        severity=Severity.ERROR if loops >= 10_000 else None,
    )
