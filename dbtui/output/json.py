"""The JSON that other programs rely on; its shape changes only with `version`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from dbtui.model.finding import Finding
from dbtui.model.plan import Plan, PlanNode

_DECIMALS = 6  # of a millisecond: what is added up by a reader still adds up


def plan(value: Plan, findings: Sequence[Finding] = ()) -> str:
    """The object of `dbtui explain --format json`."""
    return dump(
        {
            "version": 1,
            "format": value.format,
            "server_version": value.server_version,
            "total_ms": _rounded(value.total_ms),
            "self_sum_ms": _rounded(value.self_sum_ms),
            "unattributed_ms": _rounded(value.unattributed_ms),
            "nodes": [_node(node) for node in value.nodes],
            "findings": [finding(item) for item in findings],
        }
    )


def finding(value: Finding) -> dict[str, Any]:
    """A finding as every command prints it; `node` is there for findings of plans only."""
    result: dict[str, Any] = {
        "rule": value.rule,
        "severity": str(value.severity),
        "object": value.object,
        "message": value.message,
        "evidence": dict(value.evidence),
        "advice": value.advice,
        "sql": list(value.sql),
        "docs": list(value.docs),
    }
    return result if value.node is None else {**result, "node": value.node}


def dump(value: object) -> str:
    """JSON on several lines. Numbers that JSON does not have become null; hostile text is escaped."""
    return json.dumps(_finite(value), ensure_ascii=True, allow_nan=False, indent=2)


def line(value: object) -> str:
    """The same on one line."""
    return json.dumps(_finite(value), ensure_ascii=True, allow_nan=False)


def _node(node: PlanNode) -> dict[str, Any]:
    return {
        "id": node.id,
        "parent": node.parent,
        "label": node.label,
        "depth": node.depth,
        "relation": node.relation,
        "rows": node.rows,
        "estimated_rows": node.estimated_rows,
        "loops": node.loops,
        "total_ms": _rounded(node.total_ms),
        "self_ms": _rounded(node.self_ms),
        "blocks": node.blocks,
        "self_blocks": node.self_blocks,
        "raw": dict(node.raw),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
