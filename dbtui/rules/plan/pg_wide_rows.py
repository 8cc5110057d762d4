"""Very wide rows are carried along.

What it does
    Looks for nodes that give at least 10,000 rows of 2,000 bytes or more, where the row gets that
    wide.

Why it matters
    Sorts, hashes and the network carry every byte.

Instead
    Select the columns that are needed, and fetch the wide ones last, for the rows that remain.

When it is fine
    The wide columns are what was asked for.

See
    https://www.postgresql.org/docs/current/storage-toast.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, rows
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    width = node.estimated_width or 0
    if not tree.reaches("bytes of a row", width, 2_000) or not tree.reaches("rows", rows(node), 10_000):
        return
    if any((child.estimated_width or 0) >= 2_000 for child in tree.children(node)):
        return
    yield Hit(
        f"{count(rows(node))} rows of {width} bytes",
        "select fewer columns, or fetch the wide ones last",
        {"width": float(width), "rows": rows(node)},
    )
