"""An index-only scan has to read the table anyway.

What it does
    Looks for index-only scans where at least 10 % of the rows, and 1,000, needed a visit to the
    table.

Why it matters
    Blocks that VACUUM has not marked as all-visible have to be read to see whether a row is valid.

Instead
    VACUUM the table, and let autovacuum come more often (autovacuum_vacuum_insert_scale_factor for
    tables that only grow).

When it is fine
    The table is written all the time, in all of its blocks.

See
    https://www.postgresql.org/docs/current/indexes-index-only-scans.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, lost, name, number, ratio, rows
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Index Only Scan",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    fetches = number(node, "Heap Fetches")
    fetched = rows(node) + lost(node)
    enough = tree.reaches("heap fetches", fetches, 1_000)
    if not enough or not tree.reaches("heap fetches for each row", ratio(fetches, fetched), 0.1):
        return
    yield Hit(
        f"{count(fetches)} visits to {name(node)} for {count(fetched)} rows of an index-only scan",
        "vacuum the table, and more often",
        {"heap_fetches": fetches, "rows": fetched, "index": node.index},
        (f"VACUUM {name(node)};",),
    )
