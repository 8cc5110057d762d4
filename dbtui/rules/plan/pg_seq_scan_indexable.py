"""A sequential scan has a filter that one index would answer.

What it does
    Looks for sequential scans of 1,000 to 10,000 rows whose filter is one comparison, or equalities
    joined by AND, and throws away 90 % of the rows. In a plan of estimates it asks for a cost of
    1,000 and no more rows than units of cost.

Why it matters
    The scan grows with the table; today's small cost is tomorrow's slow query.

Instead
    Make the index: one column, or the columns of the equalities together.

When it is fine
    The table stays small, or is written far more often than it is read this way.

See
    https://www.postgresql.org/docs/current/indexes-multicolumn.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.conditions import compared, conjuncts, index_for
from dbtui.rules.plan.tree import Hit, Tree, lost, name, ratio, rows, text

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ("Seq Scan",)
_LARGE = 10_000  # rows from which on pg-seq-scan-discards-rows tells it


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    read = rows(node) + lost(node)
    if tree.plan.analyzed:
        if read >= _LARGE or not tree.reaches("rows read", read, 1_000):
            return
        if not tree.reaches("share of rows removed", ratio(lost(node), read), 0.9):
            return
    elif not _dear(tree, node):
        return
    condition = text(node, "Filter")
    if not _one_index_answers(condition):
        return
    expected = rows(node) if tree.plan.analyzed else node.estimated_rows or 0.0
    yield Hit(
        f"{name(node)} is read whole for {condition}",
        "make the index, if the table will grow",
        {"rows_read": read, "rows": expected, "self_cost": node.self_cost or 0.0, "filter": condition},
        index_for(node, condition),
    )


def _one_index_answers(condition: str) -> bool:
    equal, ranges = compared(condition)
    parts = len(conjuncts(condition))
    return parts > 0 and parts == len(equal) + len(ranges) and (not ranges or parts == 1)


def _dear(tree: Tree, node: PlanNode) -> bool:
    """Whether estimates alone say that little is taken out of much: a row that is read costs 0.01 to 0.03."""
    cost = node.self_cost or 0.0
    few = ratio(cost, max(1.0, node.estimated_rows or 0.0))
    return tree.reaches("cost", cost, 1_000) and tree.reaches("cost for each row expected", few, 1)
