"""What a filter compares, and the index that would answer it: equality first, then at most one range."""

from __future__ import annotations

import re

from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import name

_IDENTIFIER = r'(?:"(?:[^"]|"")*"|[a-z_][a-z0-9_$]{0,62})'
_COMPARISON = re.compile(
    rf"(?<![\w\"])\(\(?(?:{_IDENTIFIER}\.)?({_IDENTIFIER})\)?(?:::[a-z ]{{1,30}})? (=|<=|>=|<|>) (?!ALL)"
)
_PREFIXES = frozenset({"and", "or", "not", "any", "all", "case"})


def compared(condition: str) -> tuple[list[str], list[str]]:
    """Columns compared for equality, and columns compared otherwise, in the order of their appearance.

    Only of conditions without OR and NOT: there a column alone decides nothing.
    """
    if " OR " in condition or "NOT " in condition:
        return [], []
    equal: list[str] = []
    ranges: list[str] = []
    for column, operator in _COMPARISON.findall(condition[:20_000]):
        if column in _PREFIXES or column in equal:
            continue
        if operator == "=":
            equal.append(column)
        elif column not in ranges:
            ranges.append(column)
    return equal, [column for column in ranges if column not in equal]


def index_for(node: PlanNode, *conditions: str) -> tuple[str, ...]:
    """The statement that makes the index for what a node compares; nothing where that cannot be told."""
    if not node.relation:
        return ()
    columns: list[str] = []
    ranges: list[str] = []
    for condition in conditions:
        equal, other = compared(condition)
        columns += [column for column in equal if column not in columns]
        ranges += other
    columns += [column for column in ranges if column not in columns][:1]
    if not columns:
        return ()
    return (f"CREATE INDEX CONCURRENTLY ON {name(node)} ({', '.join(columns)});",)
