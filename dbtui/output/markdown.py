"""A plan as Markdown, for an issue or a merge request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dbtui.model.finding import Finding
from dbtui.model.plan import Plan
from dbtui.output.rows import footer, rows, share_of
from dbtui.text import printable

_INDENT = "\u2003"  # an em space: Markdown takes plain ones away
_HOT = 0.1  # of the whole: in bold
_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|~&!"})


def plan(
    value: Plan,
    weights: Sequence[float | None],
    beside: Mapping[str, float],
    findings: Sequence[Finding] = (),
) -> str:
    """A table of the nodes, how the figures add up, and the findings."""
    heading = "rows est → act" if value.analyzed else "rows est"
    lines = [f"| node | self | {share_of(value)} | {heading} | blocks |", "|:--|--:|--:|--:|--:|"]
    for node, line in zip(value.nodes, rows(value, weights), strict=True):
        label = escaped(line.label)
        label = _INDENT * node.depth + (f"**{label}**" if line.weight >= _HOT else label)
        label += "".join(f"<br>{_INDENT * (node.depth + 1)}{escaped(detail)}" for detail in line.details)
        lines.append(f"| {label} | {line.self_ms} | {line.share} | {line.rows} | {line.blocks} |")
    lines += ["", *(f"- {escaped(text)}" for text in footer(value, beside))]
    if findings:
        lines += ["", "### Findings", ""]
        lines += [_finding(item) for item in findings]
    return "\n".join(lines) + "\n"


def _finding(item: Finding) -> str:
    text = f"- **{item.severity}** `{item.rule}`: {escaped(printable(item.message))}"
    if item.advice:
        text += f"; {escaped(printable(item.advice))}"
    return text + "".join(f"\n  - `{printable(statement).replace('`', '')}`" for statement in item.sql)


def fenced(text: str) -> str:
    """A text whose columns are to stay columns, as a block of code."""
    return "```\n" + text.replace("```", "'''") + "```\n"


def escaped(text: str) -> str:
    """A text without anything that Markdown would obey."""
    return text.translate(_SPECIAL)
