"""A pattern that begins with a wildcard is searched in every row.

What it does
    Looks for scans of 10,000 rows or more, at least half of them thrown away, with LIKE or ILIKE
    and a pattern that begins with %.

Why it matters
    A B-tree finds only what begins alike.

Instead
    Make a trigram index (extension pg_trgm), which finds patterns of three letters or more
    anywhere; for words, full text search.

When it is fine
    The pattern is shorter than three letters, which no index finds.

See
    https://www.postgresql.org/docs/current/pgtrgm.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.conditions import unanchored
from dbtui.rules.plan.tree import Hit, Tree, lost, name, ratio, rows, text
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Seq Scan", "Index Scan", "Index Only Scan")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    column = unanchored(text(node, "Filter"))
    if not column:
        return
    read = rows(node) + lost(node)
    if not tree.reaches("rows read", read, 10_000):
        return
    if not tree.reaches("share of rows removed", ratio(lost(node), read), 0.5):
        return
    yield Hit(
        f"{count(read)} rows of {name(node)} are searched for a pattern in {column}",
        "make a trigram index",
        {"rows_read": read, "rows": rows(node), "column": column, "filter": text(node, "Filter")},
        (
            "CREATE EXTENSION IF NOT EXISTS pg_trgm;",
            f"CREATE INDEX CONCURRENTLY ON {name(node)} USING gin ({column} gin_trgm_ops);",
        ),
    )
