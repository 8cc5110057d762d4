"""An index scan fetches its rows from all over a table that is not in memory.

What it does
    Looks for index scans of at least 10,000 rows without a filter that read 1,000 blocks or more,
    and at least half of their blocks, from disk.

Why it matters
    Each row may be a read of its own, in random order.

Instead
    A covering index (INCLUDE) spares the table; CLUSTER or a partition by this key puts the rows
    together; BRIN suits columns that follow the order of the rows.

When it is fine
    The first run after a start: the cache was cold.

See
    https://www.postgresql.org/docs/current/indexes-index-only-scans.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, name, own, ratio, rows
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Index Scan",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    read, hit = own(node, "Shared Read Blocks"), own(node, "Shared Hit Blocks")
    large = tree.reaches("rows", rows(node), 10_000) and tree.reaches("blocks read", read, 1_000)
    if not large or not tree.reaches("share of blocks read", ratio(read, read + hit), 0.5):
        return
    if "Filter" in node.raw:
        return
    yield Hit(
        f"{count(read)} blocks of {name(node)} are read from disk for {count(rows(node))} rows",
        "cover the query with the index, or put the rows of a key together",
        {"read_blocks": read, "hit_blocks": hit, "rows": rows(node), "index": node.index},
    )
