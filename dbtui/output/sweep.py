"""The plans of a statement over the values of its parameters, as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.plan import Plan, PlanNode
from dbtui.model.sweep import Parameter, Sweep, Tried
from dbtui.output.json import dump
from dbtui.output.markdown import fenced
from dbtui.text import count, printable

_VALUE = 20  # characters of a value that are shown


def text(value: Sweep) -> str:
    """A table for each parameter, then where the plan flips and what the generic plan is."""
    return "\n".join([*lines(value), ""])


def lines(value: Sweep) -> Iterator[str]:
    """The text, line by line."""
    names = _names(value)
    for parameter in dict.fromkeys(one.parameter for one in value.tried):
        yield f"{_heading(parameter)}"
        yield f"  {'value':<{_VALUE}} {'':<12} {'share':>8} {'rows':>6} {'cost':>6}  plan"
        for one in value.tried:
            if one.parameter == parameter:
                yield _line(one, names)
        yield ""
    for flip in value.flips:
        before, after = (_place(one) for one in (flip.before, flip.after))
        yield printable(f"${flip.before.parameter.number}: the plan flips between {before} and {after}")
    if value.tried and not value.flips:
        yield "the plan is the same for all values"
    if value.generic is not None:
        alike = sum(1 for one in value.tried if one.shape == value.generic_shape)
        yield printable(
            f"generic plan: {names[value.generic_shape]}: {outline(value.generic)}, cost"
            f" {count(value.generic.nodes[0].total_cost)}, the plan of {alike} of {len(value.tried)} values"
        )
    yield from (printable(note) for note in value.notes)
    described: dict[str, Plan] = {}
    for one in value.tried:
        described.setdefault(one.shape, one.plan)
    yield from (printable(f"{names[shape]}: {outline(plan)}") for shape, plan in described.items())


def markdown(value: Sweep) -> str:
    """The text as a block of code: its columns stay columns."""
    return fenced(text(value))


def json(value: Sweep) -> str:
    """`{"version", "sql", "generic", "tried": [{"parameter", "value", …}], "flips", "notes"}`."""
    return dump(
        {
            "version": 1,
            "sql": value.sql,
            "generic": _generic(value.generic, value.generic_shape),
            "tried": [_tried(one) for one in value.tried],
            "flips": [{"before": _tried(flip.before), "after": _tried(flip.after)} for flip in value.flips],
            "notes": list(value.notes),
        }
    )


def _rows(plan: Plan) -> float | None:
    """The estimate of the topmost node that has one: MariaDB's query blocks have none."""
    return next((node.estimated_rows for node in plan.nodes if node.estimated_rows is not None), None)


def _generic(plan: Plan | None, shape: str) -> dict[str, object] | None:
    if plan is None:
        return None
    return {"shape": shape, "cost": plan.nodes[0].total_cost, "plan": outline(plan)}


def _tried(one: Tried) -> dict[str, object]:
    root = one.plan.nodes[0]
    return {
        "parameter": one.parameter.number,
        "column": one.parameter.place,
        "operator": one.parameter.operator,
        "value": one.value,
        "kind": one.kind,
        "share": one.share,
        "rows": _rows(one.plan),
        "cost": root.total_cost,
        "shape": one.shape,
        "plan": outline(one.plan),
    }


def outline(plan: Plan) -> str:
    """What tells two plans of a sweep apart: how they join, sort and group, and how they go to their tables."""
    told = [_told(node) for node in plan.nodes if node.relation or node.index or node.operation in _TELLING]
    return ", ".join(told) or plan.nodes[-1].label


def _told(node: PlanNode) -> str:
    if not node.relation:
        return node.label.partition(":")[0]
    return f"{node.operation}{f' using {node.index}' if node.index else ''} on {node.relation}"


_TELLING = frozenset(
    {
        "Hash Join",
        "Merge Join",
        "Nested Loop",
        "Sort",
        "Incremental Sort",
        "Aggregate",
        "Gather",
        "Gather Merge",
        "Nested loop inner join",
        "Inner hash join",
        "Aggregate using temporary table",
        "Group aggregate",
        "Filesort",
        "Temporary table",
    }
)


def _names(value: Sweep) -> dict[str, str]:
    """Plan A, B, …: by the order in which they came up."""
    shapes = dict.fromkeys([*(one.shape for one in value.tried), value.generic_shape])
    return {shape: f"plan {_letter(at)}" for at, shape in enumerate(shapes) if shape}


def _letter(at: int) -> str:
    return chr(65 + at) if at < 26 else f"A{at}"


def _heading(parameter: Parameter) -> str:
    return printable(f"${parameter.number}: {parameter.place} {parameter.operator} …")


def _line(one: Tried, names: dict[str, str]) -> str:
    root = one.plan.nodes[0]
    shown = printable(one.value)
    shown = shown if len(shown) <= _VALUE else shown[: _VALUE - 1] + "…"
    share = "" if one.share is None else f"{one.share * 100:.3g} %"
    return (
        f"  {shown:<{_VALUE}} {one.kind:<12} {share:>8} {count(_rows(one.plan)):>6}"
        f" {count(root.total_cost):>6}  {names[one.shape]}"
    )


def _place(one: Tried) -> str:
    share = "" if one.share is None else f", {one.share * 100:.3g} %"
    return f"{one.value} ({one.kind}{share})"
