"""An index finds many rows, and a condition throws most of them away.

What it does
    Looks for reads by an index of 10,000 rows or more over all loops of which less than a tenth passes the condition
    that is checked afterwards.

Why it matters
    Each row is looked up in the table only to be dropped.

Instead
    Add the columns of the condition to the index, behind those compared for equality.

When it is fine
    Other values of the same statement let most rows pass.

See
    https://dev.mysql.com/doc/refman/8.4/en/multiple-column-indexes.html
    https://mariadb.com/kb/en/analyze-format-json/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tables import (
    condition,
    index_columns,
    is_access,
    is_covering,
    is_whole,
    kept,
    read_rows,
)
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if not node.index or not is_access(tree, node) or is_whole(tree, node) or is_covering(node):
        return
    read, share = read_rows(tree, node), kept(tree, node)
    if not tree.reaches("rows found by the index", read, 10_000):
        return
    if not tree.reaches("share of rows thrown away", 1 - share, 0.9):
        return
    said = condition(tree, node)
    columns = index_columns(said, node)
    more = f"add {', '.join(columns)} to it" if columns else "add the columns of the condition to it"
    yield Hit(
        f"{node.index} finds {count(read)} rows of {node.relation}, {count(read * share)} pass the condition",
        f"{more}, behind those that are searched for equality",
        {"rows_found": read, "rows": read * share, "index": node.index, "condition": said},
    )
