"""Statements that could be written otherwise: what is offered, on which conditions, and what the planner says."""

from __future__ import annotations

from dataclasses import dataclass

from dbtui.model.advice import Query
from dbtui.model.plan import Plan


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Another text for one query of a workload. Nothing runs it unasked."""

    rule: str  # id of the module that made it
    query: int  # place in the workload
    sql: str
    proven: tuple[str, ...] = ()  # what it rests on, and the catalog has shown
    conditions: tuple[str, ...] = ()  # what it rests on, and only its reader can know
    indexes: tuple[str, ...] = ()  # CREATE INDEX statements that it wants
    before: Plan | None = None  # None where nobody could plan it
    after: Plan | None = None
    unplanned: str = ""  # why there are no plans

    @property
    def costs(self) -> tuple[float, float] | None:
        """The planner's costs of both texts; None where it tells none."""
        found = [
            plan.nodes[0].total_cost if plan and plan.nodes else None for plan in (self.before, self.after)
        ]
        return (found[0], found[1]) if found[0] is not None and found[1] is not None else None

    @property
    def saved(self) -> float | None:
        """The share of the cost that is saved, below 0 where it becomes dearer."""
        return 1.0 - self.costs[1] / self.costs[0] if self.costs and self.costs[0] else None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rewrite whose form fits and whose condition does not hold, or is not known to."""

    rule: str
    query: int
    reason: str


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What is offered for a workload."""

    queries: tuple[Query, ...]
    rewrites: tuple[Rewrite, ...]
    refusals: tuple[Refusal, ...]
    verified: str
    not_understood: tuple[tuple[int, str], ...] = ()  # queries left out, and why
    notes: tuple[str, ...] = ()
