"""The hash table of a join did not fit into memory.

What it does
    Looks for Hash nodes with more than one batch; with more than eight it is an error. More batches
    than planned mean that the estimate was wrong too.

Why it matters
    Both sides of the join are written to temporary files and read back, batch by batch.

Instead
    Raise work_mem (times hash_mem_multiplier) for this query; hash fewer or narrower rows; mend the
    estimate.

When it is fine
    Very large joins, where several batches are planned and cheap.

See
    https://www.postgresql.org/docs/current/runtime-config-resource.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, number

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Hash",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    batches, planned = number(node, "Hash Batches"), number(node, "Original Hash Batches")
    if not tree.reaches("batches", batches, 2):
        return
    memory = number(node, "Peak Memory Usage")
    wanted = max(8, math.ceil(memory * batches * 1.2 / 1024))
    grown = f", {planned:.0f} were planned" if planned and planned < batches else ""
    yield Hit(
        f"the hash table went to disk in {batches:.0f} batches{grown}",
        f"about {wanted} MB would hold it in memory; work_mem counts hash_mem_multiplier times here",
        {"batches": batches, "planned_batches": planned, "memory_kB": memory},
        (f"SET LOCAL work_mem = '{wanted}MB';",),
        severity=Severity.ERROR if batches > 8 else None,
    )
