"""What a plan costs by its planner's own reckoning, in the planner's own unit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from dbtui.errors import InputError
from dbtui.model.plan import RawPlan

_SORTED_AGAIN = 0.5  # of reading the rows, for a temporary B-tree of SQLite's


def total_cost(plan: RawPlan, rows: Mapping[str, float] | None = None) -> float:
    """The cost of the whole plan. SQLite tells none: there `rows` of each table stand for it.

    Raises InputError for a plan of another kind.
    """
    if plan.format == "postgres-json":
        return float(json.loads(plan.text)[0]["Plan"]["Total Cost"])
    if plan.format.startswith("sqlite"):
        return sqlite_cost(plan.text, rows or {})
    found = re.search(r'"(?:query_cost|cost)": "?([\d.e+]+)', plan.text)
    if found is None:
        raise InputError("the plan tells no cost", plan.format)
    return float(found[1])


def sqlite_cost(text: str, rows: Mapping[str, float]) -> float:
    """Rows that are walked over: of a scan all, of a search the tenth root for each column compared for equality.

    A rough order and no more: its one use is to see whether a scan or a sort is gone.
    """
    cost = 0.0
    for name, search in re.findall(r"(?:SCAN|SEARCH) (\w+)(.*)", text):
        count = rows.get(name, 1000.0)
        equals = len(re.findall(r"=\?", search))
        ranges = 1 if re.search(r"[<>]\?", search) else 0
        share = 0.1**equals * 0.25**ranges
        covering = 0.5 if "COVERING" in search else 1.0
        cost += max(1.0, count * share) * covering
    return cost * (1 + _SORTED_AGAIN * len(re.findall("USE TEMP B-TREE", text)))
