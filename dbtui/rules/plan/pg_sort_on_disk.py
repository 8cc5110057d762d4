"""A sort did not fit into memory.

What it does
    Looks for sorts, also those of single workers, that used the disk.

Why it matters
    The rows are written to temporary files and read back, often in several passes.

Instead
    Raise work_mem for this query to two or three times the space on disk, as far as memory and the
    number of connections allow; or read from an index in this order; or sort fewer and narrower
    rows.

When it is fine
    A report that runs rarely, on a server whose memory is needed elsewhere.

See
    https://www.postgresql.org/docs/current/runtime-config-resource.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from dbtui.documents import as_number
from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, text
from dbtui.text import one_line, size

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Sort",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    workers = node.raw.get("Workers")
    sorts = (
        [node.raw, *(worker for worker in workers if isinstance(worker, dict))]
        if isinstance(workers, list)
        else [node.raw]
    )
    disk = [as_number(one.get("Sort Space Used")) for one in sorts if one.get("Sort Space Type") == "Disk"]
    if not tree.reaches("sorts on disk", len(disk), 1):
        return
    largest = max(disk)
    wanted = max(8, math.ceil(largest * 3 / 1024))
    yield Hit(
        f"sorting by {one_line(text(node, 'Sort Key'), 80)} wrote {size(sum(disk) * 1024)} to disk",
        f"try it with work_mem = {wanted} MB, or an index in this order",
        {"disk_kB": sum(disk), "processes": float(len(disk)), "sort_key": text(node, "Sort Key")},
        (f"SET LOCAL work_mem = '{wanted}MB';",),
    )
