"""Partitions are read that hold nothing of what is asked for.

What it does
    Looks for an Append over four partitions or more, none of them left out, of which at least half
    give no row to a filter that has a column inside a function or cast.

Why it matters
    Partitions are chosen by comparing the bare key with a value; date_trunc(key) or key::date tells
    nothing about them.

Instead
    Compare the key itself with a range of its own type.

When it is fine
    The filtered column is not the key of the partitions.

See
    https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITION-PRUNING
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.conditions import wrapped
from dbtui.rules.plan.tree import Hit, Tree, number, ratio, rows, text

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Append", "Merge Append")


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    members = [child for child in tree.children(node) if child.relation]
    found = next((one for member in members if (one := wrapped(text(member, "Filter")))), None)
    if found is None or number(node, "Subplans Removed"):
        return
    if not tree.reaches("partitions", len(members), 4):
        return
    empty = sum(1 for member in members if not rows(member))
    if not tree.reaches("share of partitions without a row", ratio(empty, len(members)), 0.5):
        return
    column, around = found
    yield Hit(
        f"{empty} of {len(members)} partitions give no row, and none is left out: {column} is inside {around}",
        f"compare {column} itself with a range",
        {"partitions": float(len(members)), "empty": float(empty), "column": column, "around": around},
        object=members[0].relation,
    )
