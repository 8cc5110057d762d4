"""NOT IN reads its subquery again for every row.

What it does
    Looks for filters with NOT and a subplan that is not hashed and runs 100 times or more.

Why it matters
    The subquery's result did not fit into work_mem, so it is read anew for each row outside, on
    average to its half.

Instead
    Write NOT EXISTS, which becomes an anti-join. With NULLs in the subquery the two differ: NOT IN
    then finds nothing at all. More work_mem lets the subplan be hashed as it stands.

When it is fine
    The subquery has a handful of rows.

See
    https://www.postgresql.org/docs/current/functions-subquery.html#FUNCTIONS-SUBQUERY-NOTIN
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, text
from dbtui.text import count, milliseconds

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    condition = text(node, "Filter")
    if "NOT (" not in condition or "SubPlan" not in condition:
        return
    for child in tree.subplans(node):
        named = f"({child.subplan})" in condition
        if not named or not tree.reaches("loops of the subplan", child.loops or 0.0, 100):
            continue
        yield Hit(
            f"{child.subplan} of NOT IN is read {count(child.loops)} times,"
            f" {milliseconds(child.total_ms) or 'unknown time'} in all",
            "write NOT EXISTS, or raise work_mem so that it is hashed",
            {"loops": child.loops or 0.0, "total_ms": child.total_ms or 0.0, "filter": condition},
        )
