"""Why a plan is another one now: what two plans of one statement show, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.comparison import Comparison
from dbtui.model.plan import Plan, PlanNode
from dbtui.text import count

_GENERIC = "generic plan"
_GREW = 2.0  # a table that is read has so many times more, or fewer, rows


def causes(comparison: Comparison) -> tuple[str, ...]:
    """What probably made the plan change, one sentence each; nothing where only figures differ.

    A plan tells what the planner knew, not who changed it: a lost index may have been dropped, be invalid, or
    just be dearer now, and that is said so.
    """
    if not comparison.changed:
        return ()
    told = [*_circumstances(comparison), *_indexes(comparison), *_sizes(comparison)]
    return tuple(dict.fromkeys(told)) or (
        "neither settings, indexes nor the sizes that the plans show differ: the values of the statement may",
    )


def _circumstances(comparison: Comparison) -> Iterator[str]:
    before, after = comparison.before, comparison.after
    if before.server_version and after.server_version and before.server_version != after.server_version:
        yield f"the server was version {before.server_version} and is {after.server_version}"
    for name in sorted(before.settings.keys() | after.settings.keys()):
        was, now = before.settings.get(name, "its default"), after.settings.get(name, "its default")
        if was != now:
            yield f"the setting {name} was {was} and is {now}"
    generic = [any(_GENERIC in note for note in plan.notes) for plan in (before, after)]
    if generic[0] != generic[1]:
        yield "one is a generic plan, made without values, and the other was made for values"


def _indexes(comparison: Comparison) -> Iterator[str]:
    was = {pair.before.index for pair in comparison.pairs if pair.before is not None and pair.before.index}
    now = {pair.after.index for pair in comparison.pairs if pair.after is not None and pair.after.index}
    for index in sorted(was - now):
        yield f"the index {index} is not used any more: it was dropped, is invalid, or is dearer now"
    for index in sorted(now - was):
        yield f"the index {index} was not used before: it is new, or cheaper now"


def _sizes(comparison: Comparison) -> Iterator[str]:
    for pair in comparison.pairs:
        before, after = pair.before, pair.after
        if before is None or after is None or not after.relation:
            continue
        if not _searched(before, comparison.before) and not _searched(after, comparison.after):
            yield from _size(before, after)


def _searched(node: PlanNode, plan: Plan) -> bool:
    """Whether a table is searched for each row of another one, so that its rows per loop say nothing."""
    above = None if node.parent is None else plan.nodes[node.parent]
    inner = above is not None and above.operation == "Nested Loop" and node.relationship == "Inner"
    return inner or (node.loops or 1) > 1


def _size(before: PlanNode, after: PlanNode) -> Iterator[str]:
    """What a table gives now, as it was expected and as it came."""
    expected = _factor(before.estimated_rows, after.estimated_rows)
    came = _factor(before.rows if before.executed else None, after.rows if after.executed else None)
    if came is not None and came >= _GREW:
        yield (
            f"{after.relation} gives {count(after.rows)} rows and gave {count(before.rows)}:"
            " the data or the values changed"
        )
    elif expected is not None and expected >= _GREW:
        known = ", though as many come: the statistics changed" if came is not None else ""
        yield (
            f"{after.relation} is expected to give {count(after.estimated_rows)} rows and was to give"
            f" {count(before.estimated_rows)}{known}"
        )


def _factor(was: float | None, now: float | None) -> float | None:
    if was is None or now is None:
        return None
    was, now = max(1.0, was), max(1.0, now)
    return max(was / now, now / was)
