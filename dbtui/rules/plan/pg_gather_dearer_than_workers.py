"""Collecting the rows of the workers costs more than they save.

What it does
    Looks for Gather nodes that take 50 ms or more, and longer than all processes below them worked
    together.

Why it matters
    Starting workers and handing rows over takes more time than one process would need for all.

Instead
    Run this query without workers, or raise parallel_tuple_cost and parallel_setup_cost.

When it is fine
    The rows are few, and the server was busy while this plan was taken.

See
    https://www.postgresql.org/docs/current/how-parallel-query-works.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, ratio
from dbtui.text import milliseconds

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ("Gather", "Gather Merge")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    below = tree.children(node)
    took = node.total_ms or 0.0
    worked = (below[0].total_ms or 0.0) * below[0].processes if below else 0.0
    if not tree.reaches("ms with its children", took, 50):
        return
    if not tree.reaches("time over the time of all workers", ratio(took, worked), 1):
        return
    yield Hit(
        f"collecting takes {milliseconds(took)}, and all processes together worked {milliseconds(worked)}",
        "run it without workers",
        {"total_ms": took, "workers_ms": worked},
        ("SET LOCAL max_parallel_workers_per_gather = 0;",),
    )
