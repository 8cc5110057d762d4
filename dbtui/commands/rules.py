"""`dbtui rules`: what is checked, why, and what to do instead."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib.util import find_spec

from dbtui.errors import UsageError
from dbtui.rules.base import Rule, load_rule, rule_ids

_FAMILIES = ("plan", "schema", "migration", "live")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("rule", nargs="?", metavar="ID", help="a rule, to read its docs; left out: list all")


def run(args: argparse.Namespace) -> int:
    """Print a rule's docs, or one line for each. Raises UsageError for an id that nobody has."""
    if args.rule is None:
        for rule in all_rules():
            print(f"{rule.id:<36} {rule.severity.value:<8} {rule.title}")
        return 0
    rule = find_rule(args.rule)
    print(f"{rule.id} ({rule.severity.value})\n\n{rule.docs}{thresholds(rule.id)}")
    return 0


def thresholds(rule_id: str) -> str:
    """The thresholds of a rule about running servers, each with its reason; "" for any other rule."""
    from dbtui.rules import live

    found = next((one for one in live.rules() if one.rule.id == rule_id), None)
    if found is None or not found.thresholds:
        return ""
    lines = [f"    {one.name} = {one.value:g}  ({one.unit}) {one.why}" for one in found.thresholds]
    head = f"\n\nThresholds, to be changed in health.toml below [{rule_id}]\n"
    return head + "\n".join(lines)


def find_rule(rule_id: str) -> Rule:
    """A rule of any family, by its id. Raises UsageError for an id that nobody has."""
    for package in _packages():
        if rule_id in rule_ids(package):
            return load_rule(package, rule_id)
    raise UsageError(f"there is no rule {rule_id}", "`dbtui rules` lists them")


def all_rules() -> Iterator[Rule]:
    """The rules of every family that this installation has, by id within the family."""
    for package in _packages():
        for rule_id in rule_ids(package):
            yield load_rule(package, rule_id)


def _packages() -> Iterator[str]:
    for family in _FAMILIES:
        package = f"dbtui.rules.{family}"
        if find_spec(package) is not None:
            yield package
    yield "dbtui.advice.rewrites"
    yield "dbtui.advice.workloads"
