"""Rules about plans. Each module has SEVERITY, SUBJECTS (node types, empty for all) and `check(tree, node)`.

A rule with `WHOLE = True` is about the plan as a whole and is asked once, with its root. The plan has to be
measured; what never ran is not asked about where the plan has actual figures.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from dbtui.model.finding import Finding, Severity
from dbtui.model.plan import Plan
from dbtui.rules.base import Rule, load_rule, rule_ids
from dbtui.rules.plan.tree import Tree

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


@cache
def rules() -> tuple[tuple[Rule, bool], ...]:
    """All rules about plans, and whether each is about the plan as a whole."""
    return tuple((load_rule(__name__, name), _is_whole(name)) for name in rule_ids(__name__))


def _is_whole(name: str) -> bool:
    return bool(getattr(import_module(f"{__name__}.{name.replace('-', '_')}"), "WHOLE", False))


def findings(plan: Plan) -> tuple[Finding, ...]:
    """What all rules see in a measured plan of PostgreSQL: the gravest first, then by self time."""
    if not plan.format.startswith("postgres-"):
        return ()
    tree = Tree(plan)
    found: list[Finding] = []
    by_subject: dict[str, list[Rule]] = {}
    everywhere: list[Rule] = []
    for rule, whole in rules():
        if whole:
            found.extend(_asked(rule, tree, 0))
        elif not rule.subjects:
            everywhere.append(rule)
        for subject in () if whole else rule.subjects:
            by_subject.setdefault(subject, []).append(rule)
    for node in plan.nodes:
        if plan.analyzed and not node.executed:
            continue
        for rule in (*by_subject.get(node.operation, ()), *everywhere):
            found.extend(_asked(rule, tree, node.id))
    found.sort(
        key=lambda one: (
            _ORDER[one.severity],
            -(plan.nodes[one.node or 0].self_ms or 0.0),
            one.node,
            one.rule,
        )
    )
    return tuple(found)


def _asked(rule: Rule, tree: Tree, at: int) -> list[Finding]:
    node = tree.nodes[at]
    return [
        Finding(
            rule=rule.id,
            severity=hit.severity or rule.severity,
            message=hit.message,
            object=hit.object or node.relation or None,
            evidence=dict(hit.evidence),
            advice=hit.advice,
            sql=hit.sql,
            docs=_pages(rule),
            node=at if hit.node is None else hit.node,
        )
        for hit in rule.check(tree, node)
    ]


def _pages(rule: Rule) -> tuple[str, ...]:
    return tuple(line.strip() for line in rule.docs.splitlines() if line.strip().startswith("https://"))
