"""The planner expected far more or far fewer rows than came.

What it does
    Compares estimated and actual rows per loop. From a factor of 10 on it warns where the node has
    10 % of the time or gives 1,000 rows, from 100 on it is an error. Only the deepest node is
    reported: what is above inherits its mistake. Below a LIMIT, a semi-join or a merge join a scan
    may stop early, so there only too low an estimate counts.

Why it matters
    Join order, join method and memory are chosen by these numbers.

Instead
    ANALYZE the table; raise the statistics target of the column; make extended statistics for
    columns that depend on each other; take functions and casts off the column.

When it is fine
    The plan would be the same with the right number.

See
    https://www.postgresql.org/docs/current/planner-stats.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, name, rows
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()
WHOLE = True


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    for at, ratio in deepest(tree):
        found = tree.nodes[at]
        factor = max(ratio, 1 / ratio)
        word = "more" if ratio > 1 else "fewer"
        yield Hit(
            f"{count(found.rows)} rows came where {count(found.estimated_rows)} were expected:"
            f" {factor:.0f} times {word} ({found.label})",
            _OF_A_FUNCTION if found.operation in _FUNCTIONS else _OF_COLUMNS,
            {
                "estimated_rows": found.estimated_rows or 0.0,
                "rows": found.rows or 0.0,
                "factor": factor,
            },
            (f"ANALYZE {name(found)};",) if found.relation else (),
            object=found.relation,
            node=at,
            severity=Severity.ERROR if factor >= 100 else None,
        )


_OF_COLUMNS = "bring the statistics up to date, then add statistics for the columns of its condition"
_OF_A_FUNCTION = (
    "the planner takes the ROWS that the function was declared with: ALTER FUNCTION … ROWS changes them"
)
_FUNCTIONS = frozenset({"ProjectSet", "Function Scan"})
_NO_ROWS = frozenset({"BitmapAnd", "BitmapOr", "ModifyTable", "Hash", "Result"})
_STOPPERS = frozenset({"Limit", "Merge Join"})


def deepest(tree: Tree, least: float = 10.0, many: float = 1_000.0) -> list[tuple[int, float]]:
    """Misestimated nodes with none below them, and actual over estimated rows.

    `least` is the factor from which on a node counts, `many` the rows that have to be in play.
    """
    stops = [False] * len(tree.nodes)
    for node in tree.nodes[1:]:
        if node.parent is not None:
            parent = tree.nodes[node.parent]
            inner = node.relationship == "Inner" and parent.raw.get("Join Type") in ("Semi", "Anti")
            stops[node.id] = stops[node.parent] or parent.operation in _STOPPERS or inner
    below = [False] * len(tree.nodes)
    found = []
    for node in reversed(tree.nodes):
        ratio = _ratio(tree, node, least, many)
        wrong = ratio is not None and not (stops[node.id] and ratio < 1)
        if wrong and ratio is not None and not below[node.id]:
            found.append((node.id, ratio))
        if node.parent is not None and (wrong or below[node.id]):
            below[node.parent] = True
    return found[::-1]


def _ratio(tree: Tree, node: PlanNode, least: float, many: float) -> float | None:
    if not node.executed or node.rows is None or node.estimated_rows is None or node.operation in _NO_ROWS:
        return None
    ratio = max(1.0, node.rows) / max(1.0, node.estimated_rows)
    factor = max(ratio, 1 / ratio)
    if not tree.reaches("factor between rows and estimate", factor, least, node):
        return None
    there = max(node.rows, node.estimated_rows) * (node.loops or 1)
    if not tree.reaches("rows over all loops, as estimated or as they came", there, many, node):
        return None
    if factor < 100 and tree.share(node.self_ms) < 0.1 and rows(node) < many:
        return None
    return ratio
