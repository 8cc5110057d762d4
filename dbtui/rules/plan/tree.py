"""A plan as rules read it: who is below whom, and figures over all loops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dbtui.documents import as_number
from dbtui.model.finding import Severity
from dbtui.model.plan import Plan, PlanNode
from dbtui.rules.migration.step import quoted

BLOCK_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule saw. `object` is the node's relation where it is empty."""

    message: str
    advice: str = ""
    evidence: Mapping[str, float | str] = field(default_factory=dict)
    sql: tuple[str, ...] = ()
    object: str = ""
    node: int | None = None  # where it is not the node that was asked about
    severity: Severity | None = None  # where it is not the rule's own


@dataclass(frozen=True, slots=True)
class Asked:
    """A threshold that a rule asked about: what it measures, the figure, and the least that it wants."""

    what: str
    value: float
    least: float
    node: PlanNode | None = None  # where a rule about the whole plan asks about one

    @property
    def met(self) -> bool:
        """Whether the figure reaches it."""
        return self.value >= self.least


class Tree:
    """A measured plan with its children by node. `asked` takes down what rules ask, where it is a list."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.asked: list[Asked] | None = None
        self.nodes = plan.nodes
        self._children: list[list[int]] = [[] for _ in plan.nodes]
        for node in plan.nodes:
            if node.parent is not None:
                self._children[node.parent].append(node.id)

    def children(self, node: PlanNode) -> list[PlanNode]:
        """The nodes below one, InitPlans and SubPlans apart."""
        below = [self.nodes[at] for at in self._children[node.id]]
        return [child for child in below if child.relationship not in ("InitPlan", "SubPlan")]

    def subplans(self, node: PlanNode) -> list[PlanNode]:
        """The SubPlans of one node."""
        below = [self.nodes[at] for at in self._children[node.id]]
        return [child for child in below if child.relationship == "SubPlan"]

    def ancestors(self, node: PlanNode) -> Iterator[PlanNode]:
        """From the parent to the root."""
        at = node.parent
        while at is not None:
            yield self.nodes[at]
            at = self.nodes[at].parent

    def reaches(self, what: str, value: float, least: float, node: PlanNode | None = None) -> bool:
        """Whether a figure reaches the least that a rule wants of it."""
        if self.asked is not None:
            self.asked.append(Asked(what, float(value), float(least), node))
        return value >= least

    def share(self, ms: float | None) -> float:
        """A time as a share of the execution, between 0 and 1; 0 where there are no times."""
        total = self.plan.total_ms
        return min(1.0, ms / total) if ms and total else 0.0


def number(node: PlanNode, key: str) -> float:
    """A numeric property as the server gave it; 0 where there is none."""
    return as_number(node.raw.get(key))


def text(node: PlanNode, key: str) -> str:
    """A property as text, lists joined by commas; an empty text where there is none."""
    value = node.raw.get(key, "")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def ratio(part: float, whole: float) -> float:
    """A part of a whole; 0 of nothing."""
    return part / whole if whole else 0.0


def rows(node: PlanNode) -> float:
    """Rows over all loops and processes; 0 where nothing ran."""
    return (node.rows or 0.0) * (node.loops or 0.0)


def lost(node: PlanNode, key: str = "Rows Removed by Filter") -> float:
    """Rows thrown away over all loops: the server counts them per loop."""
    return number(node, key) * (node.loops or 0.0)


def own(node: PlanNode, *keys: str) -> float:
    """The self part of counters, added up."""
    return sum(node.self_counters.get(key, 0.0) for key in keys)


def name(node: PlanNode) -> str:
    """The relation as SQL writes it, as far as the plan tells."""
    schema, relation = str(node.raw.get("Schema") or ""), str(node.raw.get("Relation Name") or "")
    return f"{quoted(schema)}.{quoted(relation)}" if schema else quoted(relation)


def walks_in_order(tree: Tree, node: PlanNode) -> bool:
    """Whether an index serves nothing but the order of a LIMIT, and a filter does the searching."""
    limited = any(above.operation == "Limit" for above in tree.ancestors(node))
    return limited and "Index Cond" not in node.raw and "Filter" in node.raw
