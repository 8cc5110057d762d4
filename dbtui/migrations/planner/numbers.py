"""Steps get their numbers, and the plan its point of no return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dbtui.model.change import ChangeStep


def numbered(steps: Sequence[ChangeStep]) -> tuple[ChangeStep, ...]:
    """Steps with their numbers, and the point of no return marked: the first that no rollback can pass."""
    made: list[ChangeStep] = []
    passed = False
    for number, step in enumerate(steps, 1):
        final = not (step.has_way_back or passed)
        passed = passed or final
        made.append(replace(step, number=number, point_of_no_return=final))
    return tuple(made)
