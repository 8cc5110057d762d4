"""Two plans side by side, as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dbtui.model.comparison import Comparison, Fate, Pair, rows_of
from dbtui.model.plan import PlanNode
from dbtui.output.json import dump
from dbtui.output.markdown import escaped
from dbtui.text import count, milliseconds, printable

_MARKS = {Fate.SAME: " ", Fate.CHANGED: "~", Fate.NEW: "+", Fate.GONE: "-"}
_NARROWEST = 24  # cells of a node's label
_HEADINGS = ("self ms", "rows", "blocks", "cost")
Cell = Callable[[PlanNode | None], float | None]
FIGURES: tuple[tuple[str, Cell], ...] = (
    ("self_ms", lambda node: None if node is None else node.self_ms),
    ("rows", rows_of),
    ("blocks", lambda node: None if node is None else node.self_blocks),
    ("cost", lambda node: None if node is None else node.total_cost),
)


def text(value: Comparison, causes: Sequence[str], *, width: int = 120) -> str:
    """The tree as it is now with what it lost; `~` changed, `+` new, `-` gone; figures before → after."""
    cells = [_cells(pair) for pair in value.pairs]
    sizes = [
        max(len(_HEADINGS[at]), *(len(row[at]) for row in cells)) if any(row[at] for row in cells) else 0
        for at in range(len(_HEADINGS))
    ]
    room = max(_NARROWEST, width - sum(size + 2 for size in sizes if size))
    labels = [_MARKS[pair.fate] + " " + "  " * pair.depth + label_of(pair) for pair in value.pairs]
    tree = min(room, max(len(label) for label in labels))
    lines = [_line("  node", _HEADINGS, tree, sizes)]
    lines += [_line(label, row, tree, sizes) for label, row in zip(labels, cells, strict=True)]
    return "\n".join([*lines, "", *footer(value, causes)]) + "\n"


def markdown(value: Comparison, causes: Sequence[str]) -> str:
    """A table of the nodes, then what probably made the change."""
    lines = ["| | node | self ms | rows | blocks | cost |", "|:-:|:--|--:|--:|--:|--:|"]
    for pair in value.pairs:
        label = "\u2003" * pair.depth + escaped(label_of(pair))
        lines.append(f"| {_MARKS[pair.fate].strip()} | {label} | {' | '.join(_cells(pair))} |")
    lines += ["", *(f"- {escaped(line)}" for line in footer(value, causes))]
    return "\n".join(lines) + "\n"


def json(value: Comparison, causes: Sequence[str]) -> str:
    """`{"version", "changed", "causes", "before_ms", "after_ms", "nodes": [{"fate", "depth", …}]}`."""
    return dump(
        {
            "version": 1,
            "changed": value.changed,
            "causes": list(causes),
            "before_ms": value.before.total_ms,
            "after_ms": value.after.total_ms,
            "nodes": [_node(pair) for pair in value.pairs],
        }
    )


def _node(pair: Pair) -> dict[str, object]:
    sides = {"before": pair.before, "after": pair.after}
    told: dict[str, object] = {"fate": str(pair.fate), "depth": pair.depth}
    for name, node in sides.items():
        told[name] = (
            None
            if node is None
            else {"id": node.id, "label": node.label, **{key: cell(node) for key, cell in FIGURES}}
        )
    return told


def label_of(pair: Pair) -> str:
    """The node, and what it was where it is another kind now."""
    label = printable(pair.node.label)
    if pair.fate is Fate.CHANGED and pair.before is not None and pair.before.label != pair.node.label:
        return f"{label} (was {printable(pair.before.label)})"
    return label


def footer(value: Comparison, causes: Sequence[str]) -> list[str]:
    """The times of both, whether the plan is another one, and why probably."""
    lines = []
    if value.before.total_ms is not None and value.after.total_ms is not None:
        lines.append(f"{milliseconds(value.before.total_ms)} → {milliseconds(value.after.total_ms)}")
    lines.append("another plan" if value.changed else "the same plan, other figures")
    return [*lines, *(f"probably: {printable(cause)}" for cause in causes)]


def _cells(pair: Pair) -> tuple[str, ...]:
    return tuple(change(cell(pair.before), cell(pair.after), name) for name, cell in FIGURES)


def change(before: float | None, after: float | None, name: str) -> str:
    """A figure before and after; once where it is the same."""
    shown = [_figure(value, name) for value in (before, after)]
    if before is None or after is None or shown[0] == shown[1]:
        return shown[0] or shown[1]
    return f"{shown[0]} → {shown[1]}"


def _figure(value: float | None, name: str) -> str:
    return f"{value:,.2f}" if value is not None and name == "self_ms" else count(value)


def _line(label: str, cells: Sequence[str], tree: int, sizes: Sequence[int]) -> str:
    fitted = label if len(label) <= tree else label[: tree - 1] + "…"
    padded = [cell.rjust(size) for cell, size in zip(cells, sizes, strict=True) if size]
    return "  ".join([fitted.ljust(tree), *padded]).rstrip()
