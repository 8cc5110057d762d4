"""A large scan runs in one process.

What it does
    Looks for sequential scans of 1,000,000 rows or more that take a second or more of their own and
    have no workers.

Why it matters
    The processors of the server stand idle while one of them reads.

Instead
    Give the table parallel_workers, or lower min_parallel_table_scan_size and parallel_setup_cost;
    look for what forbids workers (a function that is not PARALLEL SAFE, a cursor, a statement that
    writes).

When it is fine
    The server has no processor to spare.

See
    https://www.postgresql.org/docs/current/when-can-parallel-query-be-used.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, lost, name, rows
from dbtui.text import count, milliseconds

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ("Seq Scan",)
_WORKERS = 4


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    read = rows(node) + lost(node)
    if node.processes > 1 or any(above.operation == "ModifyTable" for above in tree.ancestors(node)):
        return
    slow = tree.reaches("ms of its own", node.self_ms or 0.0, 1_000)
    if not slow or not tree.reaches("rows read", read, 1_000_000):
        return
    yield Hit(
        f"one process reads {count(read)} rows of {name(node)} in {milliseconds(node.self_ms)}",
        "let workers share the scan",
        {"rows_read": read, "self_ms": node.self_ms or 0.0},
        (f"ALTER TABLE {name(node)} SET (parallel_workers = {_WORKERS});",),
    )
