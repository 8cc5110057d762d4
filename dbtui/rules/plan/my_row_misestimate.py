"""The optimizer expected far more or far fewer rows than came.

What it does
    Compares estimated and actual rows of each table, and of the condition on it in MySQL, per loop: from a factor of
    10 on it warns where 1,000 rows are in play, from 100 on it is an error. Below a LIMIT and in semi-joins only too
    low an estimate counts, since reading stops early. Of MariaDB only index lookups are compared: a LIMIT changes what
    it writes as rows for others.

Why it matters
    Join order and the choice of indexes come from these numbers.

Instead
    ANALYZE TABLE; a histogram of the column in the condition (MySQL: UPDATE HISTOGRAM ON, MariaDB: PERSISTENT FOR).

When it is fine
    The plan would be the same with the right number.

See
    https://dev.mysql.com/doc/refman/8.4/en/optimizer-statistics.html
    https://mariadb.com/kb/en/engine-independent-table-statistics/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tables import alias, compared, condition, is_access, name, pushed
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()
_LOOKUPS = frozenset({"index lookup", "unique index lookup"})


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if not is_access(tree, node):
        return
    if tree.plan.format.startswith("mariadb"):
        if node.operation.lower().removeprefix("covering ") in _LOOKUPS and _is_wrong(tree, node):
            yield _hit(tree, node, node)
        return
    above = tree.nodes[node.parent] if node.parent is not None else node
    filtered = above.operation == "Filter" and above is not node
    if _is_wrong(tree, node):
        yield _hit(tree, node, node)
    elif filtered and _is_wrong(tree, above):
        yield _hit(tree, node, above)


def _is_wrong(tree: Tree, node: PlanNode) -> bool:
    if node.rows is None or node.estimated_rows is None:
        return False
    ratio = _ratio(node)
    if ratio < 1 and (
        pushed(node) or "rowid_filter" in node.raw
    ):  # the estimate is of the entries, the rows are what is left of them
        return False
    if ratio < 1 and any(
        above.operation.startswith("Limit") or "semijoin" in above.operation or "antijoin" in above.operation
        for above in tree.ancestors(node)
    ):
        return False
    there = max(node.rows, node.estimated_rows) * (node.loops or 1)
    return tree.reaches("factor between rows and estimate", max(ratio, 1 / ratio), 10, node) and tree.reaches(
        "rows over all loops, as estimated or as they came", there, 1_000, node
    )


def _ratio(node: PlanNode) -> float:
    return max(1.0, node.rows or 0.0) / max(1.0, node.estimated_rows or 0.0)


def _hit(tree: Tree, table: PlanNode, wrong: PlanNode) -> Hit:
    ratio = _ratio(wrong)
    factor = max(ratio, 1 / ratio)
    equal, ranges = compared(condition(tree, table), alias(table)) if wrong is not table else ([], [])
    columns = equal + ranges
    called = name(table)
    histogram = f" UPDATE HISTOGRAM ON {', '.join(columns)}" if columns else ""
    return Hit(
        f"{count(wrong.rows)} rows of {table.relation} came where {count(wrong.estimated_rows)} were expected:"
        f" {factor:.0f} times {'more' if ratio > 1 else 'fewer'}",
        f"make a histogram of {', '.join(columns)}" if columns else "bring the statistics up to date",
        {"estimated_rows": wrong.estimated_rows or 0.0, "rows": wrong.rows or 0.0, "factor": factor},
        (f"ANALYZE TABLE {called}{histogram};",) if called else (),
        object=table.relation,
        node=wrong.id,
        severity=Severity.ERROR if factor >= 100 else None,
    )
