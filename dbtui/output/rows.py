"""A plan as rows of short texts for the text and the Markdown form; server text is made printable here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dbtui.documents import as_number
from dbtui.model.plan import Plan, PlanNode
from dbtui.text import count, milliseconds, printable

_FILTERS = (
    "Rows Removed by Filter",
    "Rows Removed by Join Filter",
    "Rows Removed by Index Recheck",
    "Heap Fetches",
)
_DETAILS = (
    "Index Cond",
    "Recheck Cond",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "Filter",
    "One-Time Filter",
    "Sort Key",
    "Group Key",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One node: the branches before it, its label, and its figures as texts ("" where there are none)."""

    branch: str  # drawn before the label
    stem: str  # drawn before a line of detail below it
    label: str
    self_ms: str
    share: str
    rows: str
    blocks: str
    weight: float
    details: tuple[str, ...]


def share_of(plan: Plan) -> str:
    """What the shares of a plan's nodes are of, as the heading of their column."""
    if plan.self_sum_ms is not None:
        return "time"
    return "blocks" if plan.analyzed else "cost"


def rows(plan: Plan, weights: Sequence[float | None]) -> list[Row]:
    """A row for each node; `weights` are its shares of the whole, between 0 and 1."""
    last = _last_children(plan)
    stems = [""] * len(plan.nodes)
    result = []
    for node, share in zip(plan.nodes, weights, strict=True):
        branch = ""
        if node.parent is not None:
            above = stems[node.parent]
            branch = above + ("└─ " if node.id in last else "├─ ")
            stems[node.id] = above + ("   " if node.id in last else "│  ")
        result.append(_row(plan, node, branch, stems[node.id], share))
    return result


def _last_children(plan: Plan) -> set[int]:
    last: dict[int, int] = {node.parent: node.id for node in plan.nodes if node.parent is not None}
    return set(last.values())


def _row(plan: Plan, node: PlanNode, branch: str, stem: str, share: float | None) -> Row:
    ran = node.executed or not plan.analyzed
    prefix = f"{node.subplan}: " if node.subplan else ""
    label = prefix + node.label + ("" if ran else " (never executed)")
    return Row(
        branch=branch,
        stem=stem,
        label=printable(label),
        self_ms=milliseconds(node.self_ms) if ran else "",
        share=f"{share * 100:.1f} %" if share is not None and ran else "",
        rows=_rows(node) if ran else "",
        blocks=count(node.self_blocks) if ran else "",
        weight=share or 0.0,
        details=tuple(_details(node)),
    )


def _rows(node: PlanNode) -> str:
    """Estimated → actual rows per loop, with the loops where there are several."""
    estimated = count(node.estimated_rows)
    if node.rows is None:
        return estimated
    loops = f" ×{count(node.loops)}" if node.loops and node.loops > 1 else ""
    return f"{estimated or '?'} → {count(node.rows)}{loops}"


def _details(node: PlanNode) -> list[str]:
    found = [f"{key}: {_text(node.raw[key])}" for key in _DETAILS if key in node.raw]
    lost = [
        f"{key.lower()} {count(as_number(node.raw[key]))}" for key in _FILTERS if as_number(node.raw.get(key))
    ]
    if lost:
        found.append(", ".join(lost))
    if node.raw.get("Sort Space Type") == "Disk" or as_number(node.raw.get("Hash Batches")) > 1:
        found.append(_spill(node.raw))
    return [printable(" ".join(line.split())) for line in found]


def _spill(raw: Mapping[str, object]) -> str:
    if "Sort Method" in raw:
        return f"{raw['Sort Method']} on disk: {raw.get('Sort Space Used')} kB"
    return f"{raw.get('Hash Batches')} batches on disk, {raw.get('Peak Memory Usage')} kB of memory"


def _text(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


def footer(plan: Plan, beside: Mapping[str, float]) -> list[str]:
    """How the figures add up: self sum ± rounding, what is in no node, and what the server reports apart."""
    lines = []
    if plan.total_ms is not None and plan.self_sum_ms is not None:
        share = f" ({plan.self_sum_ms / plan.total_ms * 100:.1f} %)" if plan.total_ms > 0 else ""
        lines.append(
            f"nodes {plan.self_sum_ms:.3f} ms{share} + in no node {plan.unattributed_ms or 0.0:.3f} ms"
            f" = {plan.total_ms:.3f} ms, ± {plan.rounding_ms:.3f} ms of rounding"
        )
    elif plan.total_ms is not None:
        lines.append(f"execution {plan.total_ms:.3f} ms; the nodes have no times (TIMING OFF)")
    elif not plan.analyzed:
        lines.append("estimates only: the statement was not run")
    root = plan.nodes[0]
    if root.blocks is not None and plan.analyzed:
        own = sum(node.self_blocks or 0 for node in plan.nodes)
        after = f" + {count(plan.post_blocks)} after the root" if plan.post_blocks else ""
        lines.append(f"blocks of all nodes {own} = root {root.blocks}{after}")
    if beside:
        lines.append(
            "reported apart: " + ", ".join(f"{name} {milliseconds(ms)}" for name, ms in beside.items())
        )
    lines.extend(printable(note) for note in plan.notes)
    return lines
