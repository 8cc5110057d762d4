"""Stages as MongoDB's plans have them. Their clocks tick in milliseconds, finer where the server says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dbtui.plans.formats.postgres_document import MAX_DEPTH, figure, number_of, text_of, too_deep
from dbtui.plans.formats.stages import Stage

_NESTED = frozenset(
    {
        "inputStage", "inputStages", "outerStage", "innerStage", "thenStage", "elseStage", "leftStage",
        "rightStage", "shards", "queryPlan", "slotBasedPlan", "executionStages", "winningPlan",
        "rejectedPlans", "allPlansExecution",
    }
)  # fmt: skip


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
