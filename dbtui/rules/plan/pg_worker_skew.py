"""One process does most of the work of a parallel node.

What it does
    Compares the rows of the processes of a parallel scan, as VERBOSE tells them: one has at least
    twice the mean of all, and all together 10,000 rows or more.

Why it matters
    The query is as slow as its slowest process; the others wait.

Instead
    Look at the key by which the work is shared: an index range of one frequent value, partitions of
    very different size.

When it is fine
    The workers came late because the scan was over soon.

See
    https://www.postgresql.org/docs/current/parallel-plans.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.documents import as_number
from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, ratio, rows
from dbtui.text import count

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    made = _rows_of_each(node)
    if len(made) < 2 or not tree.reaches("rows of all processes", sum(made), 10_000):
        return
    most, mean = max(made), sum(made) / len(made)
    if not tree.reaches("rows of one process over the mean", ratio(most, mean), 2):
        return
    yield Hit(
        f"one of {len(made)} processes gives {count(most)} rows of {count(sum(made))}",
        "look at how the work is shared out",
        {"most_rows": most, "mean_rows": mean, "processes": float(len(made))},
    )


def _rows_of_each(node: PlanNode) -> list[float]:
    """Rows of each worker, then of the leader: what is left of the sum."""
    told = node.raw.get("Workers")
    workers = [
        as_number(worker.get("Actual Rows")) * as_number(worker.get("Actual Loops"))
        for worker in (told if isinstance(told, list) else [])
        if isinstance(worker, dict) and "Actual Rows" in worker
    ]
    return [*workers, max(0.0, rows(node) - sum(workers))] if workers else []
