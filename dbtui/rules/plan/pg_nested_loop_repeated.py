"""The inner side of a nested loop is run very often.

What it does
    Looks for inner sides that run at least 1,000 times and take at least 500 ms in all; from 5 s on
    it is an error.

Why it matters
    What costs little once costs much a thousand times; usually the planner expected far fewer rows
    outside.

Instead
    Index the join column of the inner table; mend the estimate of the outer side; see what a hash
    join would cost.

When it is fine
    The index is there already, and that many rows are really needed.

See
    https://www.postgresql.org/docs/current/using-explain.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import count, milliseconds

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Nested Loop",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    inner = next((child for child in tree.children(node) if child.relationship == "Inner"), None)
    if inner is None or not tree.reaches("loops of the inner side", inner.loops or 0.0, 1_000):
        return
    if not tree.reaches("ms of the inner side", inner.total_ms or 0.0, 500):
        return
    yield Hit(
        f"the inner side runs {count(inner.loops)} times and takes {milliseconds(inner.total_ms)}: {inner.label}",
        "index the join column of the inner side, or mend the estimate of the outer side",
        {"loops": inner.loops or 0.0, "inner_ms": inner.total_ms or 0.0},
        object=inner.relation,
        severity=Severity.ERROR if (inner.total_ms or 0.0) >= 5_000 else None,
    )
