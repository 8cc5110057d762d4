"""An intermediate result was stored on disk.

What it does
    Looks for CTE Scan, Materialize, WindowAgg and Recursive Union whose storage was the disk
    (version 18 says so).

Why it matters
    All of its rows are written once and read back as often as they are needed.

Instead
    Raise work_mem for this query, keep fewer columns in the intermediate result, or let the CTE be
    inlined (NOT MATERIALIZED).

When it is fine
    The result is read once, and the disk is fast.

See
    https://www.postgresql.org/docs/current/queries-with.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, number
from dbtui.text import size

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = (
    "CTE Scan",
    "Materialize",
    "WindowAgg",
    "Recursive Union",
)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if node.raw.get("Storage") != "Disk":
        return
    stored = number(node, "Maximum Storage")
    yield Hit(
        f"{node.label} kept {size(stored * 1024)} on disk",
        "raise work_mem for this query, or store fewer columns",
        {"storage_kB": stored},
    )
