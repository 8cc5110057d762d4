"""An index finds rows that a filter then throws away.

What it does
    Looks for index scans that discard at least half of the rows that they fetched; above 95 % it is
    an error.

Why it matters
    Each discarded row costs an index entry and a visit to the table.

Instead
    Add the filtered columns to the index, after those of its condition, or make it partial.

When it is fine
    Only few rows are fetched in all.

See
    https://www.postgresql.org/docs/current/indexes-multicolumn.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.conditions import index_for
from dbtui.rules.plan.tree import Hit, Tree, lost, ratio, rows, text, walks_in_order
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = (
    "Index Scan",
    "Index Only Scan",
)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    removed, kept = lost(node), rows(node)
    if walks_in_order(tree, node):  # pg-order-by-limit-wrong-index tells it
        return
    share = ratio(removed, removed + kept)
    if not tree.reaches("rows removed", removed, 1_000) or not tree.reaches("share removed", share, 0.5):
        return
    yield Hit(
        f"{node.index} finds {count(removed + kept)} rows, and the filter removes {share * 100:.0f} % of them",
        "put the filtered columns into the index, after those of the index condition",
        {"rows_removed": removed, "rows": kept, "index": node.index, "filter": text(node, "Filter")},
        index_for(node, text(node, "Index Cond"), text(node, "Filter")),
        severity=Severity.ERROR if share > 0.95 else None,
    )
