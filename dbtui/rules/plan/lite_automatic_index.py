"""An index is made for this statement alone.

What it does
    Looks for SEARCH … USING AUTOMATIC INDEX on a table; what a subquery made is left out, since it cannot have
    an index of its own.

Why it matters
    Each run reads the whole table and builds the index anew, to throw it away at the end.

Instead
    Create the index.

When it is fine
    The statement runs rarely.

See
    https://sqlite.org/optoverview.html#automatic_query_time_indexes
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.migration.step import quoted
from dbtui.rules.plan.tree import Hit, Tree, text

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("SEARCH",)
_MADE = frozenset({"CO-ROUTINE", "MATERIALIZE"})
_COLUMN = re.compile(r"(?:\(| AND )([^=<>]+?)(?:=|<|>)")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if node.raw.get("Automatic") is not True or node.relation.startswith("("):
        return
    if any(other.operation in _MADE and other.subplan == node.relation for other in tree.nodes):
        return
    columns = [column.strip() for column in _COLUMN.findall(text(node, "Condition"))]
    known = columns and "Partial" not in node.raw
    listed = ", ".join(map(quoted, columns))
    yield Hit(
        f"each run builds an index on {node.relation} ({', '.join(columns)})",
        f"create it: in the plan {node.relation} may be an alias"
        if known
        else "create one that fits the condition",
        {"step": node.label, "columns": ", ".join(columns)},
        (
            f"CREATE INDEX {quoted('_'.join([node.relation, *columns]))} ON {quoted(node.relation)} ({listed});",
        )
        if known
        else (),
    )
