"""How MySQL and MariaDB reach the rows of a table, in any notation of their plans, and what a condition leaves."""

from __future__ import annotations

import re

from dbtui.documents import as_number
from dbtui.model.plan import PlanNode
from dbtui.rules.plan.tree import Tree, ratio, rows, text

_LITERAL = re.compile(r"'(?:[^'\\]|\\.|'')*'")
_NAME = r"(?:`(?:[^`]|``)+`|[A-Za-z_$][\w$]*)"
_COLUMN = rf"((?:{_NAME}\.){{1,2}})({_NAME})"
_LEFT = re.compile(
    rf"(?<![-+*/%] )(?<![\w.`]){_COLUMN} (=|<=>|in|<=|>=|<|>|between|like(?! .%)|is null)(?![\w>=])"
)
_RIGHT = re.compile(rf" (=|<=>) {_COLUMN}(?![\w.`(]| [-+*/%])")
PUSHED = re.compile(r", with index condition: (.*)\Z", re.S)
_LIMIT = 20_000  # characters of a condition that are looked at
_EQUAL = frozenset({"=", "<=>", "in", "is null"})
_WHOLE = frozenset({"table scan", "index scan", "covering index scan", "hash join of table scan"})


def is_access(tree: Tree, node: PlanNode) -> bool:
    """Whether a node reads a table itself, not what others have made."""
    return bool(node.relation) and not node.relation.startswith("<") and not tree.children(node)


def is_whole(tree: Tree, node: PlanNode) -> bool:
    """Whether a node reads all rows of a table, or all entries of an index of it, also to change them."""
    return is_access(tree, node) and node.operation.rpartition(", ")[2].lower() in _WHOLE


def is_covering(node: PlanNode) -> bool:
    """Whether an index gives all columns that are asked for, so that rows are not looked up."""
    return node.operation.startswith("Covering")


def read_rows(tree: Tree, node: PlanNode) -> float:
    """Rows over all loops; where the plan was not run, those that are expected."""
    return rows(node) if tree.plan.analyzed else node.estimated_rows or 0.0


def kept(tree: Tree, node: PlanNode) -> float:
    """The share of a table's rows, 0 to 1, that the condition on them leaves; 1 where there is none."""
    percent = node.raw.get("r_filtered" if tree.plan.analyzed else "filtered")
    if percent is not None:
        return min(1.0, _percent(percent) / 100)
    above = _filter(tree, node)
    return 1.0 if above is None else min(1.0, ratio(read_rows(tree, above), read_rows(tree, node)))


def given(tree: Tree, node: PlanNode) -> float:
    """Rows that a node hands on, after the condition that it checks itself."""
    own = kept(tree, node) if "r_filtered" in node.raw or "filtered" in node.raw else 1.0
    return read_rows(tree, node) * own


def condition(tree: Tree, node: PlanNode) -> str:
    """The condition on a table's rows; empty where there is none."""
    own = text(node, "attached_condition")
    above = _filter(tree, node)
    if own or above is None:
        return own
    return text(above, "condition") or above.label.removeprefix("Filter: ")


def pushed(node: PlanNode) -> str:
    """The condition that is checked on entries of the index; empty where there is none."""
    told = text(node, "index_condition") or text(node, "pushed_index_condition")
    found = PUSHED.search(node.label)
    return told or (found[1] if found else "")


def alias(node: PlanNode) -> str:
    """The name by which conditions call a node's table."""
    return text(node, "alias") or node.relation.rpartition(".")[2]


def compared(said: str, table: str) -> tuple[list[str], list[str]]:
    """The columns of a table that a condition compares for equality, and otherwise.

    Only of conditions without OR and NOT: there a column alone decides nothing.
    """
    bare = _LITERAL.sub(_blank, said[:_LIMIT])
    if re.search(r"\bor\b|\bnot\b|<>|!=", bare, re.IGNORECASE):
        return [], []
    found = [(found[1], found[2], found[3]) for found in _LEFT.finditer(bare)]
    found += [(found[2], found[3], found[1]) for found in _RIGHT.finditer(bare)]
    equal: list[str] = []
    ranges: list[str] = []
    for qualifier, column, operator in found:
        if qualifier.rstrip(".").rpartition(".")[2].strip("`") != table:
            continue
        kind = equal if operator in _EQUAL else ranges
        if column not in kind:
            kind.append(column)
    return equal, [column for column in ranges if column not in equal]


def index_columns(said: str, node: PlanNode) -> list[str]:
    """The columns of the index that would answer a condition: equality first, then at most one range."""
    equal, ranges = compared(said, alias(node))
    return equal + ranges[:1]


def index_for(node: PlanNode, columns: list[str]) -> tuple[str, ...]:
    """The statement that makes an index, where the plan tells the table's own name and not only its alias."""
    table = name(node)
    return (f"ALTER TABLE {table} ADD INDEX ({', '.join(columns)});",) if table and columns else ()


def name(node: PlanNode) -> str:
    """The table as SQL writes it; empty where the plan has only an alias, which may be anything."""
    schema, table = text(node, "schema_name"), text(node, "table_name")
    return f"{_quoted(schema)}.{_quoted(table)}" if schema and table else ""


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[a-z_][a-z0-9_]*", word) else f"`{word.replace('`', '``')}`"


def _filter(tree: Tree, node: PlanNode) -> PlanNode | None:
    above = None if node.parent is None else tree.nodes[node.parent]
    return above if above is not None and above.operation == "Filter" else None


def _percent(value: object) -> float:
    """A percentage, which MySQL prints as a string."""
    try:
        return float(value) if isinstance(value, str) else as_number(value)
    except ValueError:
        return 100.0


def _blank(literal: re.Match[str]) -> str:
    """A literal without its text, but for a leading wildcard, with which no index is searched."""
    return "'%'" if literal[0][1:2] in ("%", "_") else "''"
