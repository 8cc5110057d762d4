"""A query plan as numbers: a flat tuple of nodes with parent ids, so that depth is no limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One node as the server described it. Rows and times are the server's, per loop; None where there are none.

    `total_ms` and all `self_…` are made by `plans.measure` (wall time per process, all loops);
    a parser leaves them None.
    """

    id: int  # position in Plan.nodes
    parent: int | None
    depth: int
    label: str  # "Index Scan using orders_pkey on orders o"
    operation: str  # "Index Scan": the server's own node type
    relation: str = ""
    index: str = ""
    relationship: str = ""  # Outer, Inner, InitPlan, SubPlan, Member, Subquery
    subplan: str = ""  # "CTE x", "InitPlan 1"
    estimated_rows: float | None = None
    estimated_width: int | None = None
    startup_cost: float | None = None
    total_cost: float | None = None
    rows: float | None = None
    loops: float | None = None
    startup_ms: float | None = None
    actual_ms: float | None = None  # per loop
    blocks: int | None = None  # shared + local, hit + read, of the node and its children
    total_ms: float | None = None
    self_ms: float | None = None
    self_blocks: int | None = None
    self_counters: Mapping[str, float] = field(default_factory=dict)  # own part of counters of `raw`
    self_cost: float | None = None  # estimate units, at least 0
    processes: float = 1.0  # that ran it at once; total_ms * processes is the sum over all of them
    raw: Mapping[str, Any] = field(default_factory=dict)  # the server's properties, unchanged

    @property
    def executed(self) -> bool:
        """Whether it ran at all; False where the plan has no actual figures."""
        return bool(self.loops)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan. `original` is the text as it came, unchanged."""

    format: str  # "postgres-json", "postgres-text", …
    nodes: tuple[PlanNode, ...]
    original: str
    query: str = ""
    server_version: str = ""
    planning_ms: float | None = None
    execution_ms: float | None = None
    total_ms: float | None = None  # execution time where given, else the root's
    self_sum_ms: float | None = None
    unattributed_ms: float | None = None  # self_sum_ms + unattributed_ms = total_ms within `rounding_ms`
    rounding_ms: float = 0.0
    post_ms: float = 0.0  # of self_sum_ms, what ran after the root: a writing CTE nobody read out
    post_blocks: int = 0  # likewise of the sum of self_blocks
    settings: Mapping[str, str] = field(default_factory=dict)
    triggers: tuple[Mapping[str, Any], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)  # JIT, Planning, … as the server gave them
    notes: tuple[str, ...] = ()  # how it was taken: "generic plan", "estimates only", …

    @property
    def analyzed(self) -> bool:
        """Whether it has actual figures."""
        return any(node.loops is not None for node in self.nodes)


@dataclass(frozen=True, slots=True)
class RawPlan:
    """A plan as the server printed it, not yet parsed, and how it was taken."""

    text: str
    format: str  # as Plan.format: "postgres-json", …
    query: str
    server_version: str = ""
    notes: tuple[str, ...] = ()
