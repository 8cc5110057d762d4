"""A materialised result is read over and over.

What it does
    Looks for Materialize nodes that are read at least 100 times; from 10,000 times on it is an
    error.

Why it matters
    All of its rows are walked through each time: the work is the product of both sides.

Instead
    Give the join an equality that a hash or an index can use; see whether the estimate outside was
    too low.

When it is fine
    It holds a handful of rows.

See
    https://www.postgresql.org/docs/current/using-explain.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, rows
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Materialize",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    loops = node.loops or 0.0
    if not tree.reaches("loops", loops, 100) or not tree.reaches("rows over all loops", rows(node), 10_000):
        return
    yield Hit(
        f"a stored result is read {count(loops)} times, {count(rows(node))} rows in all",
        "give the join a condition that a hash or an index can use",
        {"loops": loops, "rows": rows(node), "total_ms": node.total_ms or 0.0},
        severity=Severity.ERROR if loops >= 10_000 else None,
    )
