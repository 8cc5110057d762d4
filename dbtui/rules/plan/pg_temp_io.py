"""A node writes its rows to temporary files.

What it does
    Looks for nodes other than sorts, hashes and hash aggregates, which have rules of their own,
    with 1,000 blocks or more of temporary files read and written.

Why it matters
    A result that is kept for later (a CTE, a materialized side, a window) did not fit into
    work_mem, and went through the file system.

Instead
    Raise work_mem for this query, keep fewer columns and rows, or let a CTE be inlined (NOT
    MATERIALIZED).

When it is fine
    The files stay in the file system's cache, and nobody waits.

See
    https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-WORK-MEM
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import BLOCK_BYTES, Hit, Tree, own
from dbtui.text import size

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()
_OWN_RULES = frozenset({"Sort", "Incremental Sort", "Hash", "Hash Join", "Aggregate"})


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if (
        "Temp Read Blocks" not in node.raw
        or node.operation in _OWN_RULES
        or node.raw.get("Storage") == "Disk"
    ):
        return
    read, written = own(node, "Temp Read Blocks"), own(node, "Temp Written Blocks")
    if not tree.reaches("temporary blocks", read + written, 1_000):
        return
    yield Hit(
        f"{node.label} writes {size(written * BLOCK_BYTES)} to temporary files and reads"
        f" {size(read * BLOCK_BYTES)} back",
        "raise work_mem for this query, or keep less",
        {"temp_read_blocks": read, "temp_written_blocks": written},
    )
