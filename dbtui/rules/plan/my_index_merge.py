"""Several indexes are searched where one would do.

What it does
    Looks for intersections of the rows that two or more indexes find, and for MariaDB's rowid filters, which look up
    what one index finds in what another did.

Why it matters
    Each index is searched for all of its rows, which are then compared by row id; writers lock the rows of all of them.

Instead
    One index on the columns together.

When it is fine
    The conditions come in so many combinations that an index for each would cost more.

See
    https://dev.mysql.com/doc/refman/8.4/en/index-merge-optimization.html
    https://mariadb.com/kb/en/index_merge-sort_intersection/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree

SEVERITY = Severity.INFO
SUBJECTS: tuple[str, ...] = ()
_KEY = re.compile(r"'key': '([^']*)'")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    indexes, relation = _indexes(tree, node)
    if not tree.reaches("indexes intersected", len(indexes), 2):
        return
    yield Hit(
        f"{len(indexes)} indexes of {relation} are intersected: {', '.join(indexes)}",
        "one index on their columns together",
        {"indexes": ", ".join(indexes)},
        object=relation,
    )


def _indexes(tree: Tree, node: PlanNode) -> tuple[list[str], str]:
    """The indexes that are intersected, and the table."""
    by_filter = _KEY.findall(str(node.raw.get("rowid_filter") or ""))
    if by_filter:
        return [node.index, *by_filter], node.relation
    if node.operation == "Intersect rows sorted by row ID":
        below = tree.children(node)
        return [child.index for child in below], below[0].relation if below else ""
    if node.operation != "Index merge":
        return [], ""
    if node.index:  # MySQL's version 1: intersect(a,b)
        inside = re.fullmatch(r"(?:sort_)?intersect\((.*)\)", node.index)
        return (inside[1].split(",") if inside else []), node.relation
    merged = node.raw.get("index_merge")
    kinds = merged if isinstance(merged, dict) else {}
    found = [key for kind, parts in kinds.items() if "intersect" in kind for key in _KEY.findall(str(parts))]
    return found, node.relation
