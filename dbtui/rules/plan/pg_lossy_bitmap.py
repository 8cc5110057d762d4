"""A bitmap was too large for memory and remembers blocks instead of rows.

What it does
    Looks for bitmap heap scans where at least half of the blocks were lossy; above 90 % it is an
    error.

Why it matters
    All rows of a lossy block are fetched and checked again.

Instead
    Raise work_mem for this query, or use a tighter index.

When it is fine
    The recheck removes few rows.

See
    https://www.postgresql.org/docs/current/using-explain.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, lost, number, ratio
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Bitmap Heap Scan",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    lossy, exact = number(node, "Lossy Heap Blocks"), number(node, "Exact Heap Blocks")
    if not tree.reaches("share of lossy blocks", ratio(lossy, lossy + exact), 0.5):
        return
    removed = lost(node, "Rows Removed by Index Recheck")
    yield Hit(
        f"{lossy / (lossy + exact) * 100:.0f} % of the bitmap is lossy, and the recheck removes {count(removed)} rows",
        "raise work_mem for this query, or use a tighter index",
        {"lossy_blocks": lossy, "exact_blocks": exact, "rows_rechecked_away": removed},
        severity=Severity.ERROR if lossy > 0.9 * (lossy + exact) else None,
    )
