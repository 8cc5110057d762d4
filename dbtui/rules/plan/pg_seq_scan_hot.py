"""A sequential scan takes a large part of the time.

What it does
    Looks for sequential scans with at least 30 % of the execution time as their own, and at least
    50 ms.

Why it matters
    It is the first place where an index, fewer columns or less data would be felt.

Instead
    Index the column of the filter or of the join; where all rows are needed, read them in parallel
    or keep a summary.

When it is fine
    The query needs all rows of the table.

See
    https://www.postgresql.org/docs/current/using-explain.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.conditions import index_for
from dbtui.rules.plan.tree import Hit, Tree, name, rows, text
from dbtui.text import milliseconds

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Seq Scan",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    share = tree.share(node.self_ms)
    slow = tree.reaches("ms of its own", node.self_ms or 0.0, 50)
    if not slow or not tree.reaches("share of the time", share, 0.3):
        return
    yield Hit(
        f"reading {name(node)} takes {milliseconds(node.self_ms)}, {share * 100:.0f} % of the time",
        "index the column of the filter or of the join, or read less",
        {"self_ms": node.self_ms or 0.0, "share": share, "rows": rows(node)},
        index_for(node, text(node, "Filter")),
    )
