"""A join has no index to search, or no condition at all.

What it does
    Looks for hash joins without a condition and block nested loops that compare 10,000 pairs of rows or more; for
    joins by a hash that read at least 10,000 rows of a table, ten times as many as the other side has; and, of a plan
    that was not run, for a join buffer over 1,000 rows or more.

Why it matters
    Without an index each row meets all rows of the other table, or the whole table is read to find a few.

Instead
    Index the join column of the larger table. Where there is no condition, see whether an ON is missing.

When it is fine
    All rows of both tables are wanted: then a hash join is the best there is.

See
    https://dev.mysql.com/doc/refman/8.4/en/hash-joins.html
    https://mariadb.com/kb/en/block-based-join-algorithms/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tables import given, index_columns, index_for, is_whole, read_rows
from dbtui.rules.plan.tree import Hit, Tree, text
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    if node.operation == "Block nested loop join":
        yield from _block_nested_loop(tree, node)
    elif node.operation.endswith("hash join"):
        yield from _hash_join(tree, node)
    elif "using_join_buffer" in node.raw and tree.reaches("rows expected", node.estimated_rows or 0.0, 1_000):
        yield _hit(node, node, node.estimated_rows or 0.0, text(node, "attached_condition"))


def _block_nested_loop(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    read = sum(given(tree, child) for child in tree.children(node))
    pairs = read * (node.loops or 1.0)
    said = text(node, "attached_condition")
    for table in tree.children(node)[:1]:
        if tree.reaches("pairs of rows compared", pairs, 10_000):
            yield _hit(node, table, read, said, pairs)


def _hash_join(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    sides = tree.children(node)
    if len(sides) != 2:
        return
    one, other = (read_rows(tree, side) for side in sides)
    said = node.label.partition("(")[2].removesuffix(")")
    if said == "no condition":
        if tree.reaches("pairs of rows", one * other, 10_000):
            yield Hit(
                f"{count(one)} rows meet {count(other)} rows without a condition: {count(one * other)} pairs",
                "see whether an ON is missing, or join by equality",
                {"pairs": one * other},
            )
        return
    for side, few in ((sides[0], other), (sides[1], one)):
        scan = tree.children(side)[0] if side.operation == "Filter" else side
        read = read_rows(tree, scan)
        if not is_whole(tree, scan) or not tree.reaches("rows read", read, 10_000, scan):
            continue
        if tree.reaches("rows for each one of the other side", read / max(1.0, few), 10, scan):
            yield _hit(node, scan, read, said)


def _hit(node: PlanNode, table: PlanNode, read: float, said: str, pairs: float = 0.0) -> Hit:
    columns = index_columns(said, table)
    compared = f", in {count(pairs)} pairs" if pairs else ""
    return Hit(
        f"{count(read)} rows of {table.relation} are joined without an index{compared}",
        f"index {', '.join(columns)} of {table.relation}" if columns else "index the join column",
        {"rows": read, "pairs": pairs, "condition": said},
        index_for(table, columns),
        object=table.relation,
        node=node.id,
    )
