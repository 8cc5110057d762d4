"""Why a rule flagged nothing: the thresholds that it asked about, and how near the plan came to them."""

from __future__ import annotations

from dataclasses import dataclass

from dbtui.errors import UsageError
from dbtui.model.finding import Finding
from dbtui.model.plan import Plan
from dbtui.rules.plan import PlanRule, asked, rules
from dbtui.rules.plan.tree import Asked, Tree

NEAREST = 3  # misses that are told


@dataclass(frozen=True, slots=True)
class Miss:
    """The first threshold that a node did not reach."""

    node: int
    label: str
    what: str
    value: float
    least: float

    @property
    def nearness(self) -> float:
        """How much of the least there is, 0 to 1."""
        return max(0.0, min(1.0, self.value / self.least)) if self.least else 0.0

    def __str__(self) -> str:
        return f"{self.what} {figure(self.value)}, at least {figure(self.least)} wanted: {self.label}"


@dataclass(frozen=True, slots=True)
class Why:
    """What a rule says to a plan: findings, or the reason why there are none and the nearest misses."""

    rule: PlanRule
    findings: tuple[Finding, ...]
    reason: str  # one sentence; empty where there are findings
    misses: tuple[Miss, ...]  # the nearest first


def why(plan: Plan, rule_id: str) -> Why:
    """Why a rule flags a plan or does not. Raises UsageError for an id that no rule about plans has."""
    rule = next((one for one in rules() if one.rule.id == rule_id), None)
    if rule is None:
        raise UsageError(f"no rule about plans is called {rule_id}", "`dbtui rules` lists them")
    return _judged(rule, Tree(plan))


def why_each(plan: Plan) -> tuple[Why, ...]:
    """What each rule about plans of this format says, those with findings first, then by nearness."""
    tree = Tree(plan)
    said = [_judged(rule, tree) for rule in rules() if rule.reads(plan)]
    return tuple(sorted(said, key=lambda one: (-len(one.findings), -_nearness(one), one.rule.rule.id)))


def figure(value: float) -> str:
    """A threshold or what was measured: counts whole, shares with two digits."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2f}"


def _nearness(one: Why) -> float:
    return one.misses[0].nearness if one.misses else 0.0


def _judged(rule: PlanRule, tree: Tree) -> Why:
    plan = tree.plan
    if not rule.reads(plan):
        return Why(rule, (), f"it reads plans of {' and '.join(rule.formats)}, and this is {plan.format}", ())
    found: list[Finding] = []
    misses: list[Miss] = []
    seen = 0
    for node in rule.nodes(plan):
        seen += 1
        tree.asked = []
        found.extend(asked(rule.rule, tree, node))
        misses.extend(
            Miss(at.id, at.label, one.what, one.value, one.least)
            for one in _unmet(tree.asked, whole=rule.whole)
            for at in (one.node or node,)
        )
    tree.asked = None
    misses.sort(key=lambda miss: -miss.nearness)
    return Why(
        rule, tuple(found), "" if found else _reason(rule, plan, seen, misses), tuple(misses[:NEAREST])
    )


def _unmet(asked: list[Asked], *, whole: bool) -> list[Asked]:
    """What was not reached: for a rule about one node only the first, since it asks no further."""
    unmet = [one for one in asked if not one.met]
    return unmet if whole else unmet[:1]


def _reason(rule: PlanRule, plan: Plan, seen: int, misses: list[Miss]) -> str:
    if not seen:
        there = any(node.operation in rule.rule.subjects for node in plan.nodes)
        kinds = ", ".join(rule.rule.subjects)
        return f"no {kinds} of the plan was executed" if there else f"the plan has no {kinds}"
    if not plan.analyzed and misses and not any(miss.value for miss in misses):
        return "the plan has estimates only: what was not measured reaches no threshold"
    if misses:
        return "no node reaches what it asks for; the nearest come first"
    return f"none of {seen} nodes is what it looks for" if seen > 1 else "the plan has not what it looks for"
