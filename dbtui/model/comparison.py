"""Two plans of one statement, node by node."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dbtui.model.plan import Plan, PlanNode


class Fate(StrEnum):
    """What became of a node."""

    SAME = "same"
    CHANGED = "changed"  # another kind, order or index, in the same place of the query
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Pair:
    """A node before and after; at least one of them is there. `depth` is where it is drawn."""

    before: PlanNode | None
    after: PlanNode | None
    fate: Fate
    depth: int

    @property
    def node(self) -> PlanNode:
        """The node as it is now, or as it was."""
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two plans, their nodes matched, in the order in which they are drawn."""

    before: Plan
    after: Plan
    pairs: tuple[Pair, ...]

    @property
    def changed(self) -> bool:
        """Whether the plans differ in more than figures."""
        return any(pair.fate is not Fate.SAME for pair in self.pairs)


def rows_of(node: PlanNode | None) -> float | None:
    """Rows over all loops and processes; None where they were not measured."""
    return None if node is None or node.rows is None or node.loops is None else node.rows * node.loops
