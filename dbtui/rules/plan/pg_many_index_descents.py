"""An index is searched from its root many times in one scan.

What it does
    Looks for index scans with at least 10 searches per loop (version 18 counts them).

Why it matters
    Each value of a long IN list, and each value of a missing leading column, is a search of its
    own.

Instead
    Put the columns of the condition first in the index, or make the list shorter.

When it is fine
    The searches replace a scan of the whole index.

See
    https://www.postgresql.org/docs/current/indexes-multicolumn.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, number, text
from dbtui.text import count

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = (
    "Index Scan",
    "Index Only Scan",
    "Bitmap Index Scan",
)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    searches, loops = number(node, "Index Searches"), node.loops or 1.0
    enough = tree.reaches("searches of the index", searches, 100)
    if not enough or not tree.reaches("searches per loop", searches / loops, 10):
        return
    yield Hit(
        f"{node.index} is searched {count(searches)} times in {count(loops)} loops",
        "put the columns of the condition first in the index, or shorten the list",
        {"index_searches": searches, "loops": loops, "condition": text(node, "Index Cond")},
        object=node.index,
    )
