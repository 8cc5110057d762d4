"""Rows are made only to be skipped.

What it does
    Looks for a LIMIT that pulls at least 1,000 rows and gives back less than a tenth of them.

Why it matters
    OFFSET makes all rows before the page, and page n costs n times as much as the first.

Instead
    Remember the key of the last row and go on from it: WHERE (a, b) > (…, …) ORDER BY a, b LIMIT n,
    with an index on (a, b).

When it is fine
    Nobody goes beyond the first pages.

See
    https://www.postgresql.org/docs/current/queries-limit.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, rows
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Limit",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    below = tree.children(node)
    pulled = rows(below[0]) if below else 0.0
    if not tree.reaches("rows made", pulled, 1_000) or below[0].operation.startswith("Gather"):
        return
    if not tree.reaches("rows made for each one given", pulled / max(1.0, rows(node)), 10):
        return
    yield Hit(
        f"{count(pulled)} rows are made and {count(rows(node))} given",
        "go on from the key of the last row instead of OFFSET",
        {"rows_made": pulled, "rows": rows(node)},
    )
