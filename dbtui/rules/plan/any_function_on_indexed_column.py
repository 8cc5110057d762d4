"""A filter has its column inside a function or a cast.

What it does
    Looks for sequential scans of 10,000 rows or more, at least half of them thrown away, whose
    filter compares a function of a column, or a column in another type, with a value.

Why it matters
    An index on the column cannot be searched for it, and the planner guesses how many rows will
    come: half a percent for =, a third for < and >.

Instead
    Compare the column itself (a range of days instead of a cast to date), or index the expression,
    whose functions have to be IMMUTABLE: the cast of a timestamptz to date is not.

When it is fine
    No index on the column is wanted.

See
    https://www.postgresql.org/docs/current/indexes-expressional.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.conditions import wrapped
from dbtui.rules.plan.tree import Hit, Tree, lost, name, ratio, rows, text
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Seq Scan",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    read = rows(node) + lost(node)
    if not tree.reaches("rows read", read, 10_000):
        return
    if not tree.reaches("share of rows removed", ratio(lost(node), read), 0.5):
        return
    condition = text(node, "Filter")
    found = wrapped(condition)
    if found is None:
        return
    column, around = found
    yield Hit(
        f"{column} of {name(node)} is inside {around}: no index on it helps to find {count(rows(node))} rows",
        f"compare {column} itself, or index the expression",
        {"rows_read": read, "rows": rows(node), "column": column, "around": around, "filter": condition},
    )
