"""Stages with clocks that contain what is below them, while a plan is read, and the Plan they become, measured.

Shards run at once. So, from the leaves up:

    total(n) = the greater of its own clock and what is below it
    below    = the sum of its children's totals, for shards the greatest of them
    self(n)  = total(n) - below

Clocks may be coarse, so a child may show more than its parent: then the parent counts for what its children took, and
self times still add up to the root. The sum follows the slowest of several shards; the others have self times too,
which are no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dbtui.model.plan import Plan, PlanNode
from dbtui.plans.formats.postgres_document import MAX_DEPTH, too_deep

SHARD = "Shard"  # the relationship of what runs at the same time as its siblings
_TICK = 1.0  # ms of a coarse clock


@dataclass(slots=True)
class Stage:
    """One stage. `ms` is its own clock over all loops and contains what is below it; None without a clock."""

    name: str
    detail: str = ""  # what follows the name in the label
    relation: str = ""
    index: str = ""
    relationship: str = ""
    subplan: str = ""  # the name of a shard
    ms: float | None = None
    own: float | None = None  # the stage's own time, where that is known instead
    rows: float | None = None  # over all loops
    loops: float | None = None  # 0 was never executed
    estimated_rows: float | None = None
    cost: float | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    children: list[Stage] = field(default_factory=list)


@dataclass(slots=True)
class _Placed:
    stage: Stage
    parent: int | None
    depth: int
    critical: bool  # on the way of the slowest shard
    below: float = 0.0
    total: float = 0.0


def finish(
    root: Stage,
    form: str,
    original: str,
    *,
    execution_ms: float | None = None,
    planning_ms: float | None = None,
    query: str = "",
    server_version: str = "",
    extra: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
) -> Plan:
    """The measured plan. `execution_ms` is what the server says about the whole."""
    placed = _in_preorder(root)
    timed = any(one.stage.ms is not None or one.stage.own is not None for one in placed)
    _add_up(placed)
    nodes = tuple(_node(number, one, timed) for number, one in enumerate(placed))
    plan = Plan(
        format=form,
        nodes=nodes,
        original=original,
        query=query,
        server_version=server_version,
        planning_ms=planning_ms,
        execution_ms=execution_ms,
        extra=extra or {},
        notes=notes,
    )
    return _with_sums(plan, placed) if timed else replace(plan, total_ms=execution_ms)


def _with_sums(plan: Plan, placed: list[_Placed]) -> Plan:
    root = placed[0].total
    total = plan.execution_ms if plan.execution_ms is not None else root
    clocks = sum(1 for one in placed if one.critical and one.stage.ms is not None)
    return replace(
        plan,
        total_ms=total,
        self_sum_ms=sum(
            node.self_ms or 0.0 for node, one in zip(plan.nodes, placed, strict=True) if one.critical
        ),
        unattributed_ms=max(0.0, total - root),
        rounding_ms=max(_TICK * clocks / 2, root - total),
    )


def _in_preorder(root: Stage) -> list[_Placed]:
    placed: list[_Placed] = []
    waiting: list[tuple[Stage, int | None, int]] = [(root, None, 0)]
    while waiting:
        stage, parent, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise too_deep()
        number = len(placed)
        placed.append(_Placed(stage, parent, depth, critical=True))
        waiting.extend((child, number, depth + 1) for child in reversed(stage.children))
    return placed


def _add_up(placed: list[_Placed]) -> None:
    slowest: dict[int, int] = {}
    for number in range(len(placed) - 1, -1, -1):
        one = placed[number]
        if one.stage.own is not None:
            one.total = one.stage.own + one.below
        else:
            one.total = max(one.stage.ms or 0.0, one.below)
        if one.parent is None:
            continue
        parent = placed[one.parent]
        if one.stage.relationship != SHARD:
            parent.below += one.total
        elif one.parent not in slowest or one.total >= placed[slowest[one.parent]].total:
            slowest[one.parent] = number
            parent.below = one.total
    for number, one in enumerate(placed):
        if one.parent is not None:
            beside = one.stage.relationship == SHARD and slowest.get(one.parent) != number
            one.critical = placed[one.parent].critical and not beside


def _node(number: int, one: _Placed, timed: bool) -> PlanNode:
    stage = one.stage
    loops = stage.loops
    known = (
        timed
        and loops is not None
        and (stage.ms is not None or stage.own is not None or bool(stage.children))
    )
    label = f"{stage.name} {stage.detail}".rstrip()
    if stage.relation and not stage.detail.startswith("on "):
        label = f"{label} on {stage.relation}"
    return PlanNode(
        id=number,
        parent=one.parent,
        depth=one.depth,
        label=label,
        operation=stage.name,
        relation=stage.relation,
        index=stage.index,
        relationship=stage.relationship,
        subplan=stage.subplan,
        estimated_rows=stage.estimated_rows,
        total_cost=stage.cost,
        rows=None if stage.rows is None or loops is None else stage.rows / max(1.0, loops),
        loops=loops,
        actual_ms=None if stage.ms is None or not loops else stage.ms / loops,
        total_ms=one.total if known else None,
        self_ms=one.total - one.below if known else None,
        raw=dict(stage.properties),
    )
