"""A join with few rows reads a whole table.

What it does
    Looks for sequential scans of at least 10,000 rows and a tenth of the time below a join whose other
    side gives less than a tenth of them; above a million it is an error.

Why it matters
    An index on the join column would fetch only the rows that the small side asks for.

Instead
    Index the join column of the large table if no index begins with it; where the condition has a
    function such as lower(), index that expression.

When it is fine
    The small side was expected to be large: then its estimate is what to mend.

See
    https://www.postgresql.org/docs/current/indexes-intro.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, name, rows, text
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Seq Scan",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    read = rows(node)
    join = next(
        (one for one in tree.ancestors(node) if one.operation not in ("Hash", "Sort", "Materialize")), None
    )
    if join is None or join.operation not in _JOINS or not tree.reaches("rows read", read, 10_000):
        return
    if node.self_ms is not None and not tree.reaches("share of the time", tree.share(node.self_ms), 0.1):
        return
    side = next(
        child for child in tree.children(join) if child.id <= node.id and not _after(tree, join, child, node)
    )
    sibling = next((child for child in tree.children(join) if child is not side), None)
    if sibling is None or not sibling.executed:
        return
    if not tree.reaches("rows for each one of the other side", read / max(1.0, rows(sibling)), 10):
        return
    yield Hit(
        f"{count(read)} rows of {name(node)} are read to join {count(rows(sibling))}",
        "index the join column of the large table, if no index begins with it",
        {"rows": read, "other_rows": rows(sibling), "condition": _condition(join)},
        severity=Severity.ERROR if read > 1_000_000 else None,
    )


_JOINS = ("Hash Join", "Merge Join", "Nested Loop")


def _after(tree: Tree, join: PlanNode, child: PlanNode, node: PlanNode) -> bool:
    """Whether the node lies below a later child of the join than this one."""
    later = [other.id for other in tree.children(join) if other.id > child.id]
    return bool(later) and node.id >= min(later)


def _condition(join: PlanNode) -> str:
    return text(join, "Hash Cond") or text(join, "Merge Cond") or text(join, "Join Filter")
