"""Rules about tables as they stand, from the catalog and the server's counters."""

from __future__ import annotations

from dbtui.model.advice import Facts
from dbtui.model.finding import Finding
from dbtui.rules.base import load_rule, rule_ids

PACKAGE = __name__


def findings(facts: Facts) -> tuple[Finding, ...]:
    """What the rules find in the tables, by rule and then by table."""
    rules = [load_rule(PACKAGE, rule_id) for rule_id in rule_ids(PACKAGE)]
    return tuple(
        finding for rule in rules for table in facts.tables for finding in rule.check(table, facts.dialect)
    )
