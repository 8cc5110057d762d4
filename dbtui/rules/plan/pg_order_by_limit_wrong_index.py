"""An index is walked in order until a filter has found enough rows.

What it does
    Looks for an index scan without an index condition, below a LIMIT, whose filter throws away
    10,000 rows or more.

Why it matters
    The planner hoped that the wanted rows lie evenly in the order. Where they do not, most of the
    table is visited row by row, in the dearest way.

Instead
    Make an index on the filtered columns followed by those of the order. Until it is there, ORDER
    BY an expression (column + 0) keeps the planner from the wrong index.

When it is fine
    The rows that are wanted are frequent, and one value was unlucky.

See
    https://www.postgresql.org/docs/current/indexes-ordering.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.conditions import compared
from dbtui.rules.plan.tree import Hit, Tree, lost, name, rows, text, walks_in_order
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Index Scan", "Index Only Scan")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if not walks_in_order(tree, node) or not tree.reaches("rows removed", lost(node), 10_000):
        return
    columns, _ = compared(text(node, "Filter"))
    first = (
        f"({', '.join(columns)}, the columns of {node.index})" if columns else "the filtered columns first"
    )
    yield Hit(
        f"{node.index} is walked in its order: {count(lost(node))} rows of {name(node)} are thrown away"
        f" to find {count(rows(node))}",
        f"make an index on {first}, in this order",
        {"rows_removed": lost(node), "rows": rows(node), "index": node.index, "filter": text(node, "Filter")},
    )
