"""A cache of looked-up rows is seldom hit.

What it does
    Looks for Memoize nodes with at least 1,000 look-ups and less than 30 % hits, or with evictions
    and overflows.

Why it matters
    Keeping the cache costs time, and it was chosen because the values were expected to repeat.

Instead
    Mend the number of distinct values (ALTER TABLE … ALTER COLUMN … SET (n_distinct = …)), raise
    work_mem where entries are evicted, or try enable_memoize = off for this query.

When it is fine
    The values of other runs repeat more.

See
    https://www.postgresql.org/docs/current/runtime-config-query.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, number, ratio, text
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Memoize",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    hits, misses = number(node, "Cache Hits"), number(node, "Cache Misses")
    evicted = number(node, "Cache Evictions") + number(node, "Cache Overflows")
    asked = hits + misses
    if not tree.reaches("look-ups", asked, 1_000):
        return
    missed = tree.reaches("share of misses", ratio(misses, asked), 0.7)
    if not missed and not tree.reaches("share of evictions", ratio(evicted, asked), 0.1):
        return
    yield Hit(
        f"the cache was hit in {hits / (hits + misses) * 100:.0f} % of {count(hits + misses)} look-ups,"
        f" {count(evicted)} were evicted",
        "mend the number of distinct values of the key, or give it more memory",
        {"hits": hits, "misses": misses, "evictions": evicted, "key": text(node, "Cache Key")},
    )
