"""Every row is counted.

What it does
    Looks for an aggregate without groups over an unfiltered scan of 100,000 rows or more of which
    no column is wanted.

Why it matters
    PostgreSQL has to visit every row version to see whether it counts, so that the time grows with
    the table.

Instead
    Show an estimate (pg_class.reltuples), count up to a limit, keep a counter in a table of its
    own, or let the page do without the number.

When it is fine
    The exact number is what the report is about.

See
    https://wiki.postgresql.org/wiki/Count_estimate
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, name, rows
from dbtui.sql.quoting import literal
from dbtui.text import count, milliseconds

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ("Seq Scan", "Index Only Scan")
_BETWEEN = frozenset({"Gather", "Gather Merge", "Append"})


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if node.estimated_width != 0 or not node.raw.keys().isdisjoint({"Filter", "Index Cond"}):
        return
    above = next((one for one in tree.ancestors(node) if one.operation not in _BETWEEN), None)
    if above is None or above.operation != "Aggregate" or "Group Key" in above.raw:
        return
    if not tree.reaches("rows counted", rows(node), 100_000):
        return
    yield Hit(
        f"{count(rows(node))} rows of {name(node)} are counted one by one, in {milliseconds(node.total_ms)}",
        "show an estimate, or keep a counter",
        {"rows": rows(node), "total_ms": node.total_ms or 0.0},
        (f"SELECT reltuples::bigint FROM pg_class WHERE oid = {literal(name(node))}::regclass;",),  # noqa: S608 - shown
    )
