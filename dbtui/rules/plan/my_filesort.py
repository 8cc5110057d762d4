"""Many rows are sorted.

What it does
    Looks for sorts of 10,000 rows or more, and for those that MariaDB had to merge from disk, which are a warning.
    MySQL's plans do not tell whether a sort merged.

Why it matters
    No row is given before all are sorted, and what does not fit into sort_buffer_size is written and merged.

Instead
    Read from an index in this order, behind the columns compared for equality. Only where it merged, raise
    sort_buffer_size for this session.

When it is fine
    A report that needs all rows.

See
    https://dev.mysql.com/doc/refman/8.4/en/order-by-optimization.html
    https://mariadb.com/kb/en/analyze-format-json/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tables import given, read_rows
from dbtui.rules.plan.tree import Hit, Tree, number
from dbtui.text import count, one_line

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ()


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if node.operation != "Sort" and node.raw.get("using_filesort") is not True:
        return
    passes = number(node, "r_sort_passes")
    sorted_rows = max(read_rows(tree, node), *(given(tree, child) for child in tree.children(node)), 0.0)
    if not passes and not tree.reaches("rows sorted", sorted_rows, 10_000):
        return
    keys = (
        node.label.removeprefix("Sort: ").partition(", limit input")[0]
        if node.operation == "Sort"
        else "its keys"
    )
    yield Hit(
        f"{count(sorted_rows)} rows are sorted by {one_line(keys, 80)}"
        + (f", merged in {count(passes)} passes" if passes else ""),
        "try it with a greater sort_buffer_size, or an index in this order"
        if passes
        else "an index in this order saves the sort",
        {"rows": sorted_rows, "merge_passes": passes, "sort_key": keys},
        severity=Severity.WARNING if passes else None,
    )
