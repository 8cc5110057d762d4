"""A subquery runs once for each row.

What it does
    Looks for correlated subqueries that read a table other than by its primary key or a unique look-up of the rowid.

Why it matters
    Its cost is multiplied by the rows outside; with a SCAN in it, by the rows of the inner table too.

Instead
    Index the column that ties it to the outer row, or write it as a join with GROUP BY.

When it is fine
    The rows outside are few, or EXISTS finds its row at once by an index.

See
    https://sqlite.org/eqp.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ("CORRELATED SCALAR SUBQUERY", "CORRELATED LIST SUBQUERY")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    steps = [one for one in tree.children(node) if one.operation in ("SCAN", "SEARCH")]
    scanned = [one.relation for one in steps if one.operation == "SCAN" and one.relation != "CONSTANT ROW"]
    walked = [one.relation for one in steps if "PRIMARY KEY" not in str(one.raw.get("Access", ""))]
    if not walked:
        return
    reads = f"reads all of {', '.join(scanned)}" if scanned else f"searches {', '.join(walked)}"
    yield Hit(
        f"{node.label.lower()} {reads} for each row outside",
        "index the column that ties it to the outer row, or join with GROUP BY",
        {"step": node.label, "scans": len(scanned)},
        severity=Severity.WARNING if scanned else None,
    )
