"""Turning the result into text takes a large part of the time.

What it does
    Looks for a serialization time of at least 20 % of the execution time (EXPLAIN SERIALIZE, from
    version 17 on).

Why it matters
    Wide and compressed values are fetched and written out for each row that is sent.

Instead
    Ask for fewer columns and rows; use the binary format for large values.

When it is fine
    The client needs all of it.

See
    https://www.postgresql.org/docs/current/sql-explain.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.documents import as_number
from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree
from dbtui.text import milliseconds

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()
WHOLE = True


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    serialization = tree.plan.extra.get("Serialization")
    took = as_number(serialization.get("Time")) if isinstance(serialization, dict) else 0.0
    share = tree.share(took)
    if not tree.reaches("ms of writing out", took, 5) or not tree.reaches("share of the time", share, 0.2):
        return
    yield Hit(
        f"writing out the result takes {milliseconds(took)}, {share * 100:.0f} % of the time",
        "ask for fewer columns and rows",
        {"serialization_ms": took, "share": share},
    )
