"""A plan as a tree for a terminal or a file: no colours, nothing that a terminal would obey."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from textwrap import wrap

from dbtui.model.finding import Finding
from dbtui.model.plan import Plan
from dbtui.output.rows import Row, footer, rows, share_of
from dbtui.text import printable

_BAR = 8
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_NARROWEST_TREE = 24


def plan(
    value: Plan,
    weights: Sequence[float | None],
    beside: Mapping[str, float],
    findings: Sequence[Finding] = (),
    *,
    width: int = 120,
) -> str:
    """The tree with self time, share, rows and blocks of each node, then how it adds up, then the findings.

    `weights` are the shares of the nodes (0 to 1), `beside` the times that are reported apart from the nodes.
    """
    lines = rows(value, weights)
    table = [_headings(value), *(_figures(line) for line in lines)]
    sizes = [_size(column) for column in zip(*table, strict=True)]
    room = max(_NARROWEST_TREE, width - sum(size + 2 for size in sizes if size))
    tree = min(room, max(_width(line.branch + line.label) for line in lines))
    body = [_line("node", table[0], tree, sizes)]
    for at, line in enumerate(lines):
        body.append(_line(line.branch + line.label, table[at + 1], tree, sizes))
        has_children = at + 1 < len(lines) and value.nodes[at + 1].parent == at
        stem = line.stem + ("│    " if has_children else "     ")
        body.extend(_cut(stem + detail, width) for detail in line.details)
    parts = [*body, "", *footer(value, beside)]
    for item in findings:
        parts += ["", *_finding(item, width)]
    return "\n".join(parts) + "\n"


def _finding(item: Finding, width: int) -> list[str]:
    """What it says, folded; the statements as they are, to be copied."""
    at = "" if item.node is None else f", node {item.node}"
    said = _folded(f"{item.severity.upper()} {item.rule}{at}: {item.message}", "", width)
    advice = _folded(item.advice, "    ", width)
    return [*said, *advice, *(f"    {printable(statement)}" for statement in item.sql)]


def _folded(text: str, indent: str, width: int) -> list[str]:
    return wrap(printable(text), width, initial_indent=indent, subsequent_indent="    ")


def _headings(value: Plan) -> tuple[str, ...]:
    return ("self", f"% {share_of(value)}", "", "rows est → act" if value.analyzed else "rows est", "blocks")


def _figures(line: Row) -> tuple[str, ...]:
    return (line.self_ms, line.share, _bar(line.weight) if line.share else "", line.rows, line.blocks)


def _size(column: Sequence[str]) -> int:
    """The width of a column; 0 where it holds nothing but its heading, so that it is left out."""
    return max(map(_width, column)) if any(column[1:]) else 0


def _line(label: str, cells: Sequence[str], tree: int, sizes: Sequence[int]) -> str:
    padded = [_right(cell, size) for cell, size in zip(cells, sizes, strict=True) if size]
    return "  ".join([_fitted(label, tree), *padded]).rstrip()


def _bar(share: float) -> str:
    eighths = round(max(0.0, min(1.0, share)) * _BAR * 8)
    bar = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
    return bar.ljust(_BAR)


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    wide = sum(1 for c in text if unicodedata.east_asian_width(c) in "WF")
    return len(text) + wide - sum(1 for c in text if unicodedata.combining(c))


def _right(text: str, width: int) -> str:
    return " " * (width - _width(text)) + text


def _fitted(text: str, width: int) -> str:
    cut = _cut(text, width)
    return cut + " " * (width - _width(cut))


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    kept = text[: width - 1]
    while _width(kept) > width - 1:
        kept = kept[:-1]
    return kept + "…"
