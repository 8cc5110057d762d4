"""A whole table is read for a small part of its rows.

What it does
    Looks for sequential scans whose filter throws away at least half of 10,000 rows or more; above
    100,000 rows it is an error.

Why it matters
    Every block of the table is read, and the work grows with the table, not with the result.

Instead
    Make an index on the filtered columns: equality first, then one range. For one literal value
    that is asked again and again, a partial index.

When it is fine
    The table is small, or the query runs rarely and most blocks would be touched anyway.

See
    https://www.postgresql.org/docs/current/indexes-intro.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.conditions import index_for
from dbtui.rules.plan.tree import Hit, Tree, lost, name, ratio, rows, text
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Seq Scan",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    removed, kept = lost(node), rows(node)
    scanned = removed + kept
    large = tree.reaches("rows read", scanned, 10_000)
    if not large or not tree.reaches("share of rows removed", ratio(removed, scanned), 0.5):
        return
    yield Hit(
        f"{count(scanned)} rows of {name(node)} are read and {count(removed)} of them thrown away",
        "make an index on the columns of the filter",
        {"rows_read": scanned, "rows_removed": removed, "filter": text(node, "Filter")},
        index_for(node, text(node, "Filter")),
        severity=Severity.ERROR if scanned > 100_000 else None,
    )
