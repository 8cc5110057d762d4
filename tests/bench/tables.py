"""A plain table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first at the left, the others at the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        first, *others = [
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join([first, *others]).rstrip())
    lines.insert(1, "─" * len(lines[0]))
    return "\n".join(lines)


def goal(what: str, value: float, limit: float, unit: str = "") -> str:
    """One line that says whether a goal is met."""
    verdict = "met   " if value <= limit else "MISSED"
    return f"  {verdict}  {what}: {value:,.3g}{unit} (goal at most {limit:,.3g}{unit})"
