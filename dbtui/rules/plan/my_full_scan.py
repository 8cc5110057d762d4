"""A whole table is read for a few of its rows.

What it does
    Looks for scans of a table, or of a whole index of it, of 1,000 rows or more over all loops whose condition throws
    away at least half of them, or that are repeated; above 100,000 rows it is an error. Of a plan that was not run it
    takes the estimates.

Why it matters
    The time grows with the table, and InnoDB's buffer pool is filled with pages that nobody asked for.

Instead
    Index the columns of the condition: those compared for equality first, then one range.

When it is fine
    The table is small, or most of its rows are wanted in other runs.

See
    https://dev.mysql.com/doc/refman/8.4/en/table-scan-avoidance.html
    https://mariadb.com/kb/en/explain/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tables import condition, index_columns, index_for, is_whole, kept, read_rows
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if not is_whole(tree, node) or "using_join_buffer" in node.raw:
        return
    read = read_rows(tree, node)
    if not tree.reaches("rows read", read, 1_000):
        return
    share = kept(tree, node)
    repeated = (node.loops or 1) >= 2
    if not repeated and not tree.reaches("share of rows thrown away", 1 - share, 0.5):
        return
    said = condition(tree, node)
    columns = index_columns(said, node)
    yield Hit(
        f"{count(read)} rows of {node.relation} are read, {count(read * share)} of them wanted",
        f"index {', '.join(columns)}" if columns else "index the columns of the condition",
        {"rows_read": read, "rows": read * share, "loops": node.loops or 1.0, "condition": said},
        index_for(node, columns),
        severity=Severity.ERROR if read > 100_000 else None,
    )
