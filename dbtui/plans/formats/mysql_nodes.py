"""Nodes of MySQL's and MariaDB's plans while they are read, and the Plan they become, measured.

Their figures differ in what they contain, so each node says it: `inclusive` contains all nodes below, `own`
none of them, and without either a node is the sum of those below. From that, bottom-up, each gets a total.

Two timers that overlap (a row is read while another node's clock runs), and figures printed with three digits,
make children come to more than their parent. Then they are scaled down to it, each by its share, so that self
times add up to the root and none is negative; what was taken away is the plan's `rounding_ms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dbtui.model.plan import Plan, PlanNode
from dbtui.plans.formats.postgres_document import MAX_DEPTH, figure, too_deep

SELECT_LIST = "Select list"  # evaluated for each row of its parent, outside the parent's clock
SUBQUERY = "Subquery"


@dataclass(slots=True)
class Draft:
    """One node. Times are milliseconds over all loops, rows are per loop; None where the plan has none."""

    label: str
    operation: str
    relation: str = ""
    index: str = ""
    relationship: str = ""
    subplan: str = ""
    estimated_rows: float | None = None
    startup_cost: float | None = None
    total_cost: float | None = None
    self_cost: float | None = None
    rows: float | None = None
    loops: float | None = None  # 0 was never executed
    startup_ms: float | None = None  # per loop
    inclusive: float | None = None
    own: float | None = None
    pages: int | None = None  # of the node alone
    raw: Mapping[str, Any] = field(default_factory=dict)
    children: list[Draft] = field(default_factory=list)


class _Placed:
    """A draft at its place in preorder, with what is added up from the nodes below it."""

    __slots__ = ("depth", "draft", "fitted", "pages", "parent", "sum_below", "sum_select", "taken", "total")

    def __init__(self, draft: Draft, parent: int | None, depth: int) -> None:
        self.draft = draft
        self.parent = parent
        self.depth = depth
        self.sum_below = 0.0  # totals of the children
        self.sum_select = 0.0  # of them, those outside this node's own clock
        self.total = 0.0
        self.fitted = 0.0
        self.taken = 0.0  # fitted totals of the children
        self.pages = draft.pages or 0


def finish(
    root: Draft,
    form: str,
    original: str,
    *,
    query: str = "",
    planning_ms: float | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Plan:
    """The plan with its self times. Raises InputError where it is nested too deeply or its figures are none."""
    placed = _in_preorder(root)
    analyzed = any(one.draft.loops is not None for one in placed)
    timed = analyzed and any(one.draft.inclusive is not None or one.draft.own is not None for one in placed)
    _add_up(placed)
    overlap = _fit(placed)
    paged = any(one.draft.pages is not None for one in placed)
    nodes = tuple(_node(number, one, timed=timed, paged=paged) for number, one in enumerate(placed))
    return Plan(
        format=form,
        nodes=nodes,
        original=original,
        query=query,
        planning_ms=planning_ms,
        total_ms=placed[0].fitted if timed else None,
        self_sum_ms=sum(node.self_ms or 0.0 for node in nodes) if timed else None,
        unattributed_ms=0.0 if timed else None,
        rounding_ms=overlap if timed else 0.0,
        extra=extra or {},
    )


def _in_preorder(root: Draft) -> list[_Placed]:
    placed: list[_Placed] = []
    waiting: list[tuple[Draft, int | None, int]] = [(root, None, 0)]
    while waiting:
        draft, parent, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise too_deep()
        number = len(placed)
        placed.append(_Placed(draft, parent, depth))
        waiting.extend((child, number, depth + 1) for child in reversed(draft.children))
    return placed


def _add_up(placed: list[_Placed]) -> None:
    """The total of each node, from the leaves up."""
    for one in reversed(placed):
        draft = one.draft
        if draft.inclusive is not None:
            one.total = draft.inclusive + one.sum_select
        else:
            one.total = (draft.own or 0.0) + one.sum_below
        figure(one.total, "time")
        if one.parent is not None:
            parent = placed[one.parent]
            parent.sum_below += one.total
            parent.pages += one.pages
            if draft.relationship == SELECT_LIST:
                parent.sum_select += one.total


def _fit(placed: list[_Placed]) -> float:
    """Scale what is more than its parent, from the root down; the milliseconds that were taken away."""
    overlap = 0.0
    placed[0].fitted = placed[0].total
    for one in placed:
        overlap += max(0.0, one.sum_below - one.total)
        if one.parent is not None:
            parent = placed[one.parent]
            room = max(parent.total, parent.sum_below)
            one.fitted = parent.fitted * one.total / room if room > 0 else 0.0
            parent.taken += one.fitted
    return overlap


def _node(number: int, one: _Placed, *, timed: bool, paged: bool) -> PlanNode:
    draft = one.draft
    loops = draft.loops
    ran = loops is not None
    return PlanNode(
        id=number,
        parent=one.parent,
        depth=one.depth,
        label=draft.label,
        operation=draft.operation,
        relation=draft.relation,
        index=draft.index,
        relationship=draft.relationship,
        subplan=draft.subplan,
        estimated_rows=draft.estimated_rows,
        startup_cost=draft.startup_cost,
        total_cost=draft.total_cost,
        rows=draft.rows if ran else None,
        loops=loops,
        startup_ms=draft.startup_ms if ran else None,
        actual_ms=one.total / loops if loops and timed else None,
        blocks=one.pages if paged else None,
        total_ms=one.fitted if timed else None,
        self_ms=max(0.0, one.fitted - one.taken) if timed else None,
        self_blocks=(draft.pages or 0) if paged else None,
        self_cost=draft.self_cost,
        raw=draft.raw,
    )
