"""Planning takes longer than running.

What it does
    Looks for a planning time of more than 10 ms that is above the execution time.

Why it matters
    It is spent again for each statement that is not prepared.

Instead
    Prepare the statement; have fewer partitions or let their key stand in the filter; lower
    join_collapse_limit for joins of very many tables; see whether the catalog is bloated.

When it is fine
    The first statement of a connection: its caches were cold.

See
    https://www.postgresql.org/docs/current/sql-prepare.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, ratio
from dbtui.text import milliseconds

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()
WHOLE = True


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    planning, execution = tree.plan.planning_ms, tree.plan.execution_ms
    if planning is None or execution is None or not tree.reaches("ms of planning", planning, 10):
        return
    if not tree.reaches("planning over execution", ratio(planning, execution), 1):
        return
    yield Hit(
        f"planning takes {milliseconds(planning)}, running {milliseconds(execution)}",
        "prepare the statement, or give the planner less to choose from",
        {"planning_ms": planning, "execution_ms": execution},
    )
