"""Compiling the query takes a large part of its time.

What it does
    Looks for a JIT time of at least 25 % of the execution time.

Why it matters
    Compilation pays off for long queries only; an estimate that is too high switches it on for
    short ones.

Instead
    Raise jit_above_cost, or set jit = off for this kind of query (version 19 does so by itself).

When it is fine
    The same statement is much longer with other values.

See
    https://www.postgresql.org/docs/current/jit-decision.html
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
    jit = tree.plan.extra.get("JIT")
    timing = jit.get("Timing") if isinstance(jit, dict) else None
    compiling = as_number(timing.get("Total")) if isinstance(timing, dict) else 0.0
    share = tree.share(compiling)
    if not tree.reaches("share of the time", share, 0.25) or not tree.reaches("ms of JIT", compiling, 5):
        return
    yield Hit(
        f"compiling takes {milliseconds(compiling)}, {share * 100:.0f} % of the time",
        "raise jit_above_cost, or switch JIT off for this query",
        {"jit_ms": compiling, "share": share},
        ("SET LOCAL jit = off;",),
    )
