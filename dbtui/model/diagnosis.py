"""Why the planner expected another number of rows, and what would teach it better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Cause(StrEnum):
    """What may be wrong with statistics."""

    STALE = "stale"  # the table has changed since it was analyzed
    DISTINCT = "n_distinct"  # the number of different values is misjudged
    SKEWED = "skew"  # the value is frequent, and not among the common values that are kept
    EXPRESSION = "expression"  # a function or cast: there are no statistics of what it gives
    CORRELATED = "correlation"  # columns depend on each other


@dataclass(frozen=True, slots=True)
class Remedy:
    """One cause that was found, what would help, and the rows that the planner would expect then."""

    cause: Cause
    because: str  # one sentence with the numbers
    sql: tuple[str, ...]
    expected: float | None  # rows of the node, with this remedy alone; None where it cannot be told
    evidence: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One misjudged node. Without remedies, `notes` say what was tested and what could not be."""

    node: int
    label: str
    estimated: float
    actual: float
    remedies: tuple[Remedy, ...]
    notes: tuple[str, ...] = ()
