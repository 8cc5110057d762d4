"""Plans that MongoDB's slot-based engine has run: the logical plan, with the figures of the many small stages.

The winning plan has logical stages with a planNodeId; executionStages has the engine's own, several of which
carry the id of the logical stage that they are made for. A logical stage's own time is the sum, over its small
stages, of their time less that of the stages right below them; what it returns is what the outermost of them does.
Documents are the reads of `seek` and `scan`, keys those of `ixseek` and `ixscan`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dbtui.plans.formats.mongo_stages import bare_stage, children_of, clock
from dbtui.plans.formats.postgres_document import MAX_DEPTH, figure, too_deep
from dbtui.plans.formats.stages import Stage

_DOCUMENTS = frozenset({"scan", "seek", "parallelScan", "generic_scan", "clustered_scan"})
_KEYS = frozenset({"ixscan", "ixseek", "ixscan_generic"})


@dataclass(slots=True)
class _Group:
    """What the small stages of one logical stage come to."""

    depth: int
    rows: float | None
    opens: float
    own: float = 0.0
    documents: float = 0.0
    keys: float = 0.0


def stage_of(plan: Mapping[str, Any], executed: Mapping[str, Any] | None, namespace: str) -> Stage:
    """The logical stages of `queryPlan`, with the figures of `executionStages` where it ran."""
    groups = _groups(executed, _ids(plan)) if executed is not None else {}
    return _stage(plan, groups, namespace, 0, ran=executed is not None)


def _stage(
    plan: Mapping[str, Any], groups: Mapping[object, _Group], namespace: str, depth: int, *, ran: bool
) -> Stage:
    if depth > MAX_DEPTH:
        raise too_deep()
    made = bare_stage(plan, namespace, ran=False)
    group = groups.get(plan.get("planNodeId"))
    if ran and group is not None:
        made.own, made.rows, made.loops = group.own, group.rows, group.opens
        more = {"docsExamined": group.documents, "keysExamined": group.keys}
        made.properties = {**made.properties, **{key: value for key, value in more.items() if value}}
    elif ran:
        made.loops = 1.0  # the engine has made it part of another stage
    made.children = [_stage(child, groups, namespace, depth + 1, ran=ran) for child in children_of(plan)]
    return made


def _ids(plan: Mapping[str, Any]) -> frozenset[object]:
    return frozenset(stage.get("planNodeId") for stage, _ in _walk(plan))


def _walk(root: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], int]]:
    waiting: list[tuple[Mapping[str, Any], int]] = [(root, 0)]
    while waiting:
        stage, depth = waiting.pop()
        if depth > 4 * MAX_DEPTH:  # small stages are several to a logical one
            raise too_deep()
        yield stage, depth
        waiting.extend((child, depth + 1) for child in children_of(stage))


def _groups(root: Mapping[str, Any], known: frozenset[object]) -> dict[object, _Group]:
    """planNodeId → what its small stages come to; one of an unknown id counts for the stage above it."""
    groups: dict[object, _Group] = {}
    waiting: list[tuple[Mapping[str, Any], int, object]] = [(root, 0, None)]
    while waiting:
        stage, depth, above = waiting.pop()
        if depth > 4 * MAX_DEPTH:
            raise too_deep()
        own_id = stage.get("planNodeId")
        group_id = own_id if own_id in known or above is None else above
        below = children_of(stage)
        group = groups.get(group_id)
        if group is None or depth < group.depth:
            rows = figure(stage.get("nReturned"), "nReturned")
            opens = figure(stage.get("opens"), "opens")
            fresh = _Group(depth, rows, 1.0 if opens is None else opens)
            if group is not None:
                fresh.own, fresh.documents, fresh.keys = group.own, group.documents, group.keys
            groups[group_id] = group = fresh
        group.own += (clock(stage) or 0.0) - sum(clock(child) or 0.0 for child in below)
        _count_reads(group, stage)
        waiting.extend((child, depth + 1, group_id) for child in below)
    for group in groups.values():
        group.own = max(0.0, group.own)  # the clocks tick in whole milliseconds
    return groups


def _count_reads(group: _Group, stage: Mapping[str, Any]) -> None:
    reads = figure(stage.get("numReads"), "numReads") or 0.0
    if stage.get("stage") in _DOCUMENTS:
        group.documents += reads
    elif stage.get("stage") in _KEYS:
        keys = figure(stage.get("keysExamined"), "keysExamined")
        group.keys += reads if keys is None else keys
