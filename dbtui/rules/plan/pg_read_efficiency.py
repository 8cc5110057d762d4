"""A table holds far less than its size: it is bloated.

What it does
    Looks for sequential scans of 1,000 blocks of their own or more that find less than one row in a
    block, and less than a fiftieth of the bytes.

Why it matters
    Dead rows and empty space are read and cached like rows.

Instead
    VACUUM the table, then give the space back: VACUUM FULL locks it, pg_repack (and REPACK in
    version 19) does not for long. Find the transaction, slot or standby that kept VACUUM from its
    work.

When it is fine
    The table is a queue that fills and empties, and autovacuum keeps up.

See
    https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import BLOCK_BYTES, Hit, Tree, lost, name, rows
from dbtui.text import count, size

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Seq Scan",)
_ROW_HEADER = 28  # bytes of a tuple's header and its line pointer


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    blocks = float(node.self_blocks or 0)
    found = max(1.0, rows(node) + lost(node))
    if any(above.operation == "Limit" for above in tree.ancestors(node)):
        return
    if not tree.reaches("blocks", blocks, 1_000) or not tree.reaches("blocks for a row", blocks / found, 1):
        return
    bytes_of_rows = found * ((node.estimated_width or 0) + _ROW_HEADER)
    if not tree.reaches("bytes read for each byte of rows", blocks * BLOCK_BYTES / bytes_of_rows, 50):
        return
    yield Hit(
        f"{size(blocks * BLOCK_BYTES)} of {name(node)} are read for {count(found)} rows",
        "vacuum the table, then have its space given back",
        {"blocks": blocks, "rows_read": found, "bytes_of_rows": bytes_of_rows},
        (f"VACUUM (VERBOSE) {name(node)};",),
    )
