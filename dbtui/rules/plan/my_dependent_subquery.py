"""A subquery runs once for each row.

What it does
    Looks for dependent subqueries that ran at least 1,000 times; from 10,000 times on it is an error.

Why it matters
    Its cost is multiplied by the rows outside, and MariaDB's cache of results helps only where the same values come
    again.

Instead
    Write it as a join to a derived table with GROUP BY, or index the column that ties it to the outer row.

When it is fine
    It is one look-up by a key, and the rows outside are few in other runs.

See
    https://dev.mysql.com/doc/refman/8.4/en/correlated-subqueries.html
    https://mariadb.com/kb/en/subquery-cache/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.documents import as_number
from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import count, milliseconds

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    above = tree.nodes[node.parent] if node.parent is not None else node
    cached = above.operation == "Subquery cache"
    mariadb = node.operation == "Query block" and (cached or node.relationship == "Subquery")
    if not mariadb and "dependent" not in node.subplan:
        return
    loops = node.loops or 0.0
    if not tree.reaches("loops of the subquery", loops, 1_000):
        return
    called = node.subplan.partition(" (")[0] or node.label
    evidence: dict[str, float | str] = {"loops": loops, "total_ms": node.total_ms or 0.0}
    if cached:
        evidence["cache_hit_ratio"] = as_number(above.raw.get("r_hit_ratio"))
    yield Hit(
        f"{called} runs {count(loops)} times and takes {milliseconds(node.total_ms) or 'unknown time'}",
        "join a derived table instead, or index the column that ties it to the outer row",
        evidence,
        severity=Severity.ERROR if loops >= 10_000 else None,
    )
