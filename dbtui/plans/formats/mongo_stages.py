"""Stages of MongoDB's plans while they are read, and the Plan they become, measured.

A stage's time contains that of the stages below it, and shards run at once. So, from the leaves up:

    total(n) = the greater of its own clock and what is below it
    below    = the sum of its children's totals, for shards the greatest of them
    self(n)  = total(n) - below

The clocks tick in milliseconds (finer where the server says), so a child may show more than its parent: then the
parent counts for what its children took, and self times still add up to the root. The sum follows the slowest of
several shards; the others have self times too, which are no part of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dbtui.model.plan import Plan, PlanNode
from dbtui.plans.formats.postgres_document import MAX_DEPTH, figure, number_of, text_of, too_deep

SHARD = "Shard"  # the relationship of what runs at the same time as its siblings
_NESTED = frozenset(
    {
        "inputStage", "inputStages", "outerStage", "innerStage", "thenStage", "elseStage", "leftStage",
        "rightStage", "shards", "queryPlan", "slotBasedPlan", "executionStages", "winningPlan",
        "rejectedPlans", "allPlansExecution",
    }
)  # fmt: skip
_TICK = 1.0  # ms of the coarse clock


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


def stage_of(document: Mapping[str, Any], namespace: str, *, ran: bool) -> Stage:
    """A stage with all that is below it, of queryPlan, winningPlan or executionStages in the classic form."""
    return _stage_of(document, namespace, ran, 0)


def _stage_of(document: Mapping[str, Any], namespace: str, ran: bool, depth: int) -> Stage:
    if depth > MAX_DEPTH:
        raise too_deep()
    made = bare_stage(document, namespace, ran=ran)
    for child in children_of(document):
        made.children.append(_stage_of(child, namespace, ran, depth + 1))
    return made


def bare_stage(document: Mapping[str, Any], namespace: str, *, ran: bool) -> Stage:
    """A stage without its children."""
    name = text_of(document.get("stage")) or "unknown stage"
    index = text_of(document.get("indexName"))
    return Stage(
        name=name,
        detail=_detail(document, index),
        relation=namespace if _reads(name) else "",
        index=index,
        ms=clock(document) if ran else None,
        rows=figure(document.get("nReturned", document.get("advanced")), "nReturned") if ran else None,
        loops=_loops(document) if ran else None,
        estimated_rows=number_of(document.get("cardinalityEstimate")),
        cost=number_of(document.get("costEstimate")),
        properties=properties(document),
    )


def children_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The stages right below one, whatever they are called."""
    found: list[Mapping[str, Any]] = []
    for key in (
        "outerStage",
        "inputStage",
        "innerStage",
        "thenStage",
        "elseStage",
        "leftStage",
        "rightStage",
    ):
        child = document.get(key)
        if isinstance(child, Mapping):
            found.append(child)
    several = document.get("inputStages")
    if isinstance(several, list):
        found += [child for child in several if isinstance(child, Mapping)]
    return found


def clock(document: Mapping[str, Any]) -> float | None:
    """Milliseconds of a stage by its finest clock."""
    for key, divisor in (
        ("executionTimeNanos", 1e6),
        ("executionTimeMicros", 1e3),
        ("executionTimeMillisEstimate", 1.0),
    ):
        value = figure(document.get(key), key)
        if value is not None:
            return value / divisor
    return None


def properties(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a stage says besides its children: numbers and texts as they are, structures as JSON."""
    return {
        key: _compact(value) if isinstance(value, Mapping | list) else value
        for key, value in document.items()
        if key not in _NESTED and value is not None
    }


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _loops(document: Mapping[str, Any]) -> float:
    opens = figure(document.get("opens"), "opens")
    if opens is not None:
        return opens
    idle = document.get("works") == 0 and not document.get("isEOF") and not document.get("nReturned")
    return 0.0 if idle else 1.0


def _reads(name: str) -> bool:
    return name in ("COLLSCAN", "IXSCAN", "FETCH", "IDHACK", "COUNT_SCAN", "DISTINCT_SCAN", "RECORD_STORE_FAST_COUNT",
                    "UPDATE", "DELETE", "BATCHED_DELETE", "TEXT_MATCH", "$cursor", "EQ_LOOKUP") or name.startswith(
        ("CLUSTERED_IXSCAN", "EXPRESS_", "GEO_NEAR")
    )  # fmt: skip


def _detail(document: Mapping[str, Any], index: str) -> str:
    """The words of a label after the stage's name: the index and its keys, the sort, the limit."""
    keys = document.get("keyPattern")
    parts = [index] if index else []
    if index and keys:
        parts.append(keys if isinstance(keys, str) else keys_of(keys))
    if isinstance(document.get("sortPattern"), Mapping):
        parts.append(keys_of(document["sortPattern"]))
    parts += [text_of(document[key]) for key in ("limitAmount", "skipAmount") if key in document]
    if document.get("direction") == "backward":
        parts.append("backward")
    if document.get("strategy"):
        parts.append(text_of(document["strategy"]))
    return " ".join(parts)


def keys_of(pattern: object) -> str:
    """A key or sort pattern as MongoDB writes it: { a: 1, b: -1 }."""
    if not isinstance(pattern, Mapping):
        return text_of(pattern)
    inner = ", ".join(
        f"{key}: {value if not isinstance(value, Mapping) else _compact(value)}"
        for key, value in pattern.items()
    )
    return f"{{ {inner} }}"


# ---- the plan


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
