"""Rules about plans. Each module has SEVERITY, SUBJECTS (node types, empty for all) and `check(tree, node)`.

The first word of a rule's id says whose plans it reads; a rule that begins with `any-` names the formats in
FORMATS. A rule with `WHOLE = True` is about the plan as a whole and is asked once, with its root. The plan has to
be measured; what never ran is not asked about where the plan has actual figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from dbtui.model.finding import Finding, Severity
from dbtui.model.plan import Plan, PlanNode
from dbtui.rules.base import Rule, load_rule, rule_ids
from dbtui.rules.plan.tree import Tree

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
_FORMATS = {
    "pg": ("postgres",),
    "my": ("mysql", "mariadb"),
    "lite": ("sqlite",),
    "mongo": ("mongo",),
    "es": ("elasticsearch",),
    "any": ("postgres",),
}


@dataclass(frozen=True, slots=True)
class PlanRule:
    """A rule, whose plans it reads, and whether it is about the plan as a whole."""

    rule: Rule
    formats: tuple[str, ...]  # the first word of Plan.format
    whole: bool

    def reads(self, plan: Plan) -> bool:
        """Whether it is about plans of this format."""
        return plan.format.partition("-")[0] in self.formats

    def nodes(self, plan: Plan) -> Iterator[PlanNode]:
        """The nodes of a plan that it is asked about."""
        if self.whole:
            yield plan.nodes[0]
            return
        for node in plan.nodes:
            if plan.analyzed and not node.executed:
                continue
            if not self.rule.subjects or node.operation in self.rule.subjects:
                yield node


@cache
def rules() -> tuple[PlanRule, ...]:
    """All rules about plans, by id."""
    return tuple(_load(rule_id) for rule_id in rule_ids(__name__))


def _load(rule_id: str) -> PlanRule:
    module = import_module(f"{__name__}.{rule_id.replace('-', '_')}")
    formats = getattr(module, "FORMATS", _FORMATS[rule_id.partition("-")[0]])
    return PlanRule(load_rule(__name__, rule_id), formats, bool(getattr(module, "WHOLE", False)))


def findings(plan: Plan) -> tuple[Finding, ...]:
    """What all rules see in a measured plan: the gravest first, then by self time."""
    tree = Tree(plan)
    found: list[Finding] = []
    by_subject: dict[str, list[Rule]] = {}
    everywhere: list[Rule] = []
    for one in rules():
        if not one.reads(plan):
            continue
        if one.whole:
            found.extend(asked(one.rule, tree, plan.nodes[0]))
        elif not one.rule.subjects:
            everywhere.append(one.rule)
        for subject in () if one.whole else one.rule.subjects:
            by_subject.setdefault(subject, []).append(one.rule)
    for node in plan.nodes:
        if plan.analyzed and not node.executed:
            continue
        for rule in (*by_subject.get(node.operation, ()), *everywhere):
            found.extend(asked(rule, tree, node))
    found.sort(
        key=lambda one: (
            _ORDER[one.severity],
            -(plan.nodes[one.node or 0].self_ms or 0.0),
            one.node,
            one.rule,
        )
    )
    return tuple(found)


def asked(rule: Rule, tree: Tree, node: PlanNode) -> Iterator[Finding]:
    """What one rule sees at one node."""
    for hit in rule.check(tree, node):
        yield Finding(
            rule=rule.id,
            severity=hit.severity or rule.severity,
            message=hit.message,
            object=hit.object or node.relation or None,
            evidence=dict(hit.evidence),
            advice=hit.advice,
            sql=hit.sql,
            docs=rule.pages,
            node=node.id if hit.node is None else hit.node,
        )
