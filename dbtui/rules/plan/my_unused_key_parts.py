"""An index holds a column of the condition that is not searched by.

What it does
    Looks for a condition that is checked on entries of the index, pushed down to it or because the index covers the
    query, on columns that the search itself does not use, with 1,000 entries or more. Such columns stand in the index
    behind a gap or behind a range.

Why it matters
    Only the leading columns up to the first gap or range narrow the search; all entries behind them are walked.

Instead
    An index with the columns compared for equality first and one range last.

When it is fine
    The leading columns leave few entries in other runs.

See
    https://dev.mysql.com/doc/refman/8.4/en/index-condition-pushdown-optimization.html
    https://mariadb.com/kb/en/index-condition-pushdown/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tables import (
    PUSHED,
    alias,
    compared,
    condition,
    index_for,
    is_access,
    is_covering,
    pushed,
)
from dbtui.rules.plan.tree import Hit, Tree, number, rows
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if not is_access(tree, node):
        return
    searched = _searched(node)
    said = condition(tree, node) if is_covering(node) else pushed(node)
    equal, ranges = compared(said, alias(node))
    behind = [column for column in equal if column.strip("`") not in searched]
    if not behind or not searched:
        return
    each = max(node.estimated_rows or 0.0, number(node, "r_index_rows"))  # the latter is MariaDB's, per loop
    found = max(each * (node.loops or 1.0), rows(node))
    if not tree.reaches("entries walked, as estimated or read", found, 1_000):
        return
    leading = [column for column in searched if column not in {one.strip("`") for one in ranges}]
    columns = [*leading, *behind, *[column for column in searched if column not in leading]]
    yield Hit(
        f"{node.index} of {node.relation} is searched by {', '.join(searched)}, {', '.join(behind)} is checked on"
        f" about {count(found)} entries",
        f"an index on ({', '.join(columns)})",
        {"entries": found, "searched_by": ", ".join(searched), "checked": ", ".join(behind)},
        index_for(node, columns),
    )


def _searched(node: PlanNode) -> list[str]:
    """The columns that the search itself uses, in the order of the index."""
    for key in ("used_key_parts", "key_columns"):
        listed = node.raw.get(key)
        if isinstance(listed, list):
            return [str(column) for column in listed]
    inside = re.search(r"(?: over)? \((.*)\)", PUSHED.sub("", node.label))
    return list(dict.fromkeys(re.findall(r"(\w+) ?(?:=|<|>)", inside[1]))) if inside else []
