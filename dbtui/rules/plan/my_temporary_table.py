"""Many rows go through a temporary table.

What it does
    Looks for temporary tables, of GROUP BY, DISTINCT, UNION, derived tables and CTEs, that take in 10,000 rows or
    more. Whether one went to disk no plan tells: Created_tmp_disk_tables counts it.

Why it matters
    The rows are copied and their keys looked up one by one; what outgrows tmp_table_size goes to disk.

Instead
    Index the columns of GROUP BY or DISTINCT in their order, so that rows come grouped. UNION ALL instead of UNION
    where no row comes twice. Filter inside the derived table.

When it is fine
    There are few groups, and the time is in reading.

See
    https://dev.mysql.com/doc/refman/8.4/en/internal-temporary-tables.html
    https://dev.mysql.com/doc/refman/8.4/en/group-by-optimization.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tables import given
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import count, one_line

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ()


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    kind = node.operation.lower()
    named = "temporary table" in kind or "materialize" in kind
    if not named and node.raw.get("using_temporary_table") is not True:
        return
    taken = sum(given(tree, child) for child in tree.children(node))
    if not tree.reaches("rows taken in", taken, 10_000):
        return
    union = kind.startswith("union")
    yield Hit(
        f"{count(taken)} rows go into a temporary table ({one_line(node.label, 60)})",
        "UNION ALL needs none" if union else "an index in the order of the groups needs none",
        {"rows": taken, "made_by": node.operation},
    )
