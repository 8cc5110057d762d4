"""The groups of an aggregate did not fit into memory.

What it does
    Looks for hashed aggregates with more than one batch or with disk usage.

Why it matters
    Rows whose group did not fit are written to temporary files and read again.

Instead
    Raise work_mem for this query, or give it an index in the order of the groups, so that it can
    sort instead.

When it is fine
    A report that runs rarely.

See
    https://www.postgresql.org/docs/current/runtime-config-resource.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, number, text
from dbtui.text import one_line, size

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Aggregate",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    batches, disk = number(node, "HashAgg Batches"), number(node, "Disk Usage")
    if not tree.reaches("batches", batches, 2) and not tree.reaches("kB on disk", disk, 1):
        return
    yield Hit(
        f"grouping by {one_line(text(node, 'Group Key'), 80)} went to disk: {batches:.0f} batches, {size(disk * 1024)}",
        "raise work_mem for this query, or index the columns of the groups",
        {"batches": batches, "disk_kB": disk, "memory_kB": number(node, "Peak Memory Usage")},
    )
