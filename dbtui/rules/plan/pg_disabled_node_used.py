"""A method that is switched off is used anyway.

What it does
    Looks for nodes marked as disabled (version 18), or with the penalty cost of earlier versions.

Why it matters
    There was no other way: an index is missing, or an enable_… setting was left off.

Instead
    Reset the setting, or make the index that gives the planner another way.

When it is fine
    The setting was changed to try something out.

See
    https://www.postgresql.org/docs/current/runtime-config-query.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    penalty = (node.self_cost or 0.0) >= 1e10 and (node.startup_cost or 0.0) >= 1e10
    if node.raw.get("Disabled") is not True and not penalty:
        return
    if any(child.raw.get("Disabled") is True for child in tree.children(node)):
        return
    yield Hit(
        f"{node.label} is used although it is switched off",
        "reset the enable_… setting, or make the index that gives another way",
        {"total_cost": node.total_cost or 0.0},
    )
