"""A whole table is read.

What it does
    Looks for SCAN of a table, also over a covering index. It is a warning inside a loop: below a correlated subquery,
    or behind another table of the same join, where the scan is repeated for each row. Plans of SQLite have no rows;
    where an old version tells them, 1,000 are wanted.

Why it matters
    The time grows with the table, inside a loop with both tables.

Instead
    Index the columns of WHERE and ON: those compared for equality first, then one range. Run ANALYZE, so that the
    planner knows which index is worth it. `.expert` of the shell names an index.

When it is fine
    The table is small, or all of its rows are wanted.

See
    https://sqlite.org/eqp.html
    https://sqlite.org/optoverview.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ("SCAN",)
_MADE = frozenset({"CO-ROUTINE", "MATERIALIZE"})


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if not node.relation or node.relation.startswith("(") or _is_made(tree, node):
        return
    if "Virtual Table Index" in node.raw or node.relation == "CONSTANT ROW":
        return
    told = node.estimated_rows
    if told is not None and not tree.reaches("rows that are told", told, 1_000):
        return
    where = _loop(tree, node)
    index = f", by the covering index {node.index}" if node.index else ""
    yield Hit(
        f"{node.relation} is read as a whole{index}{where}",
        "index the columns that it is searched or joined by",
        {"step": node.label, "repeated": "yes" if where else "no", "index": node.index},
        severity=Severity.WARNING if where else None,
    )


def _is_made(tree: Tree, node: PlanNode) -> bool:
    """Whether what is read is made by the statement itself."""
    return any(other.operation in _MADE and other.subplan == node.relation for other in tree.nodes)


def _loop(tree: Tree, node: PlanNode) -> str:
    """In which loop a step stands; empty where it runs once."""
    above = tree.nodes[node.parent] if node.parent is not None else node
    for outer in tree.children(above):
        if outer.id >= node.id:
            break
        if outer.operation in ("SCAN", "SEARCH"):
            return f", once for each row of {outer.relation or 'the table before it'}"
    if any(one.operation.startswith("CORRELATED") for one in tree.ancestors(node)):
        return ", once for each row outside"
    return ""
