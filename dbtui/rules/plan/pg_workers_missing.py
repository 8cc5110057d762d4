"""Fewer parallel workers ran than were planned.

What it does
    Compares the workers that were planned and launched.

Why it matters
    The plan was chosen for more processes than it got, and may be slower than one without workers.

Instead
    See how many parallel queries run at once; raise max_parallel_workers and max_worker_processes,
    or let fewer queries use workers.

When it is fine
    It was a moment of high load.

See
    https://www.postgresql.org/docs/current/when-can-parallel-query-be-used.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, number

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = (
    "Gather",
    "Gather Merge",
)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    planned, launched = number(node, "Workers Planned"), number(node, "Workers Launched")
    known = "Workers Launched" in node.raw
    if not known or not tree.reaches("workers missing", planned - launched, 1):
        return
    yield Hit(
        f"{launched:.0f} of {planned:.0f} workers were to be had",
        "raise max_parallel_workers and max_worker_processes, or let fewer queries use workers",
        {"workers_planned": planned, "workers_launched": launched},
    )
