"""All rows are sorted to keep a few.

What it does
    Looks for a LIMIT over a sort of a whole table by plain columns, where at least 10,000 rows were
    read.

Why it matters
    An index in this order gives the first rows at once.

Instead
    Make an index on the sort keys, with their directions.

When it is fine
    The table is small or the query is rare.

See
    https://www.postgresql.org/docs/current/indexes-ordering.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Hit, Tree, name, rows
from dbtui.text import count

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ("Limit",)


def check(tree: Tree, node: PlanNode) -> Iterator[Hit]:
    sort = next(iter(tree.children(node)), None)
    scan = next(iter(tree.children(sort)), None) if sort is not None and sort.operation == "Sort" else None
    if sort is None or scan is None or scan.operation != "Seq Scan":
        return
    if not tree.reaches("rows sorted", rows(scan), 10_000):
        return
    keys = sort.raw.get("Sort Key")
    plain = [_KEY.fullmatch(str(key)) for key in keys] if isinstance(keys, list) else []
    if not plain or not all(plain):
        return
    if not tree.reaches("rows sorted for each one kept", rows(scan) / max(1.0, rows(node)), 10):
        return
    columns = ", ".join(f"{found[1]}{found[2] or ''}" for found in plain if found)
    yield Hit(
        f"{count(rows(scan))} rows of {name(scan)} are sorted to keep {count(rows(node))}",
        "make an index in the order of the sort",
        {"rows_sorted": rows(scan), "rows": rows(node), "sort_key": columns},
        (f"CREATE INDEX CONCURRENTLY ON {name(scan)} ({columns});",),
        object=scan.relation,
    )


_KEY = re.compile(
    r'(?:[a-z_][a-z0-9_]*\.)?("(?:[^"]|"")+"|[a-z_][a-z0-9_]*)((?: DESC)?(?: NULLS (?:FIRST|LAST))?)'
)
