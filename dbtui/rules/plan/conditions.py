"""What a filter compares, and the index that would answer it: equality first, then at most one range."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from dbtui.model.plan import PlanNode
from dbtui.rules.migration.step import quoted
from dbtui.rules.plan.tree import name, text

_IDENTIFIER = r'(?:"(?:[^"]|"")*"|[a-z_][a-z0-9_$]{0,62})'
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_COMPARISON = re.compile(
    rf"(?<![\w\"])\(\(?(?:{_IDENTIFIER}\.)?({_IDENTIFIER})\)?(?:::(?:text|bpchar))? (=|<=|>=|<|>) "
    r"(?!ALL|\((?:hashed )?SubPlan)"
)
_JOINT = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[()]| AND | OR ")
_COLUMN = rf"(?:{_IDENTIFIER}\.)?({_IDENTIFIER})"
_COMPARES = "(?:=|<=|>=|<|>) "
_CALL = re.compile(
    rf"(?<![\w\".])([A-Za-z_]\w{{0,62}})\((?:''::text, |[a-z]{{1,20}} FROM )?\(?{_COLUMN}\)?"
    rf"(?:::[a-z ]{{1,30}})?(?:, [^()]{{1,40}})?\) {_COMPARES}"
)
_CAST = re.compile(rf"(?<![\w\"])\({_COLUMN}\)::([a-z ]{{1,30}}) {_COMPARES}")
_HARMLESS = frozenset({"text", "bpchar"})  # casts to them are how a varchar is always compared
_PATTERN = re.compile(rf"\(?{_COLUMN}\)?(?:::text)? ~~\*? '%[^']")
_QUALIFIER = re.compile(rf"(?<![\w\".])({_IDENTIFIER})\.{_IDENTIFIER}")
_KEPT, _MOST_KEPT = 100, 10_000  # combinations: default_statistics_target, and the most that it may be
_LIMIT = 20_000  # characters of a condition that are looked at
_PREFIXES = frozenset({"and", "or", "not", "any", "all", "case"})


def compared(condition: str) -> tuple[list[str], list[str]]:
    """Columns compared for equality, and columns compared otherwise, in the order of their appearance.

    Only of conditions without OR and NOT: there a column alone decides nothing. One in another type is not compared
    itself, and no index on it helps; but a varchar is always compared as text.
    """
    if " OR " in condition or "NOT " in condition:
        return [], []
    equal: list[str] = []
    ranges: list[str] = []
    for column, operator in _COMPARISON.findall(_bare(condition)):
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


def _bare(condition: str) -> str:
    """A condition whose literals are empty: what stands in them is no column."""
    return _LITERAL.sub("''", condition[:_LIMIT])


def conjuncts(condition: str) -> list[str]:
    """The parts that AND joins at the top of a condition; the whole where nothing does."""
    return _split(condition[:_LIMIT], " AND ")


def branches(condition: str) -> list[str]:
    """The parts that OR joins at the top of a condition; the whole where nothing does."""
    return _split(condition[:_LIMIT], " OR ")


def _split(condition: str, word: str) -> list[str]:
    """Split where no parenthesis is open but the one around everything."""
    if not condition:
        return []
    inner = condition[1:-1] if _is_enclosed(condition) else condition
    parts: list[str] = []
    depth = start = 0
    for found in _JOINT.finditer(inner):
        mark = found[0]
        depth += (mark == "(") - (mark == ")")
        if mark == word and depth == 0:
            parts.append(inner[start : found.start()])
            start = found.end()
    return [*parts, inner[start:]]


def _is_enclosed(condition: str) -> bool:
    """Whether the first parenthesis is closed by the last character."""
    depth = 0
    for found in _JOINT.finditer(condition):
        depth += (found[0] == "(") - (found[0] == ")")
        if depth == 0:
            return found[0] == ")" and found.end() == len(condition) and condition[0] == "("
    return False


def tables_of(condition: str) -> frozenset[str]:
    """The tables, by alias, whose columns a condition names."""
    return frozenset(_QUALIFIER.findall(_bare(condition)))


@dataclass(frozen=True, slots=True)
class Compared:
    """A condition that compares something of one table with a value."""

    expression: str  # as SQL, without the table's alias
    column: str  # the column's name, where the expression is nothing but a column; else ""
    operator: str
    value: str  # as SQL


_VALUE = re.compile(
    r" (=|<=|>=|<|>|~~\*?) ('(?:[^']|'')*'(?:::[a-z ]{1,30}(?:\([0-9]{1,5}\))?)?|[0-9.-]{1,40}|true|false)\Z"
)
_ALIAS = re.compile(rf"(?<![\w\".]){_IDENTIFIER}\.(?={_IDENTIFIER})")


def compared_alone(condition: str) -> Compared | None:
    """What a single condition compares with which value; None for anything else."""
    inner = condition[1:-1] if _is_enclosed(condition) else condition
    found = _VALUE.search(inner[:_LIMIT])
    if found is None or inner.count("(", 0, found.start()) != inner.count(")", 0, found.start()):
        return None
    expression = _ALIAS.sub("", inner[: found.start()])
    bare = re.sub(r"\A\((.*)\)::text\Z", r"\1", expression)  # how a varchar is compared
    column = ""
    if re.fullmatch(_IDENTIFIER, bare):
        expression, column = bare, bare.strip('"').replace('""', '"') if bare.startswith('"') else bare
    return Compared(expression, column, found[1], found[2])


def wrapped(condition: str) -> tuple[str, str] | None:
    """The first column that is compared inside a function or a cast, and that function or type."""
    for function, column in _CALL.findall(_bare(condition)):
        if function.lower() not in _PREFIXES:
            return column, function
    for column, kind in _CAST.findall(_bare(condition)):
        if kind not in _HARMLESS:
            return column, kind
    return None


def unanchored(condition: str) -> str:
    """The first column that is compared with a pattern which begins with %; "" where there is none."""
    found = _PATTERN.search(condition[:_LIMIT]) if " ~~" in condition else None
    return found[1] if found else ""


def compared_together(node: PlanNode) -> list[str]:
    """The columns that a scan compares for equality, in its index and in its filter."""
    columns: list[str] = []
    for key in ("Index Cond", "Recheck Cond", "Filter"):
        columns += [column for column in compared(text(node, key))[0] if column not in columns]
    return columns


def statistics_for(node: PlanNode, columns: list[str], *, combinations: float = 0.0) -> tuple[str, ...]:
    """The statements that let the planner learn how columns of a node's table go together.

    Of `combinations` that occur, as many are kept as the statistics target says: what is not among them is
    multiplied as before, so the target is raised to hold all, and where that is too much only the degree of
    dependency is kept.
    """
    bare = [column.strip('"') for column in columns]
    called = quoted("_".join([str(node.raw.get("Relation Name") or ""), *bare, "stx"])[:63])
    kinds = " (dependencies)" if combinations > _MOST_KEPT else ""
    made = [f"CREATE STATISTICS {called}{kinds} ON {', '.join(columns)} FROM {name(node)};"]
    if _KEPT < combinations <= _MOST_KEPT:
        target = min(_MOST_KEPT, math.ceil(combinations * 1.2 / 100) * 100)
        made.append(f"ALTER STATISTICS {called} SET STATISTICS {target};")
    return (*made, f"ANALYZE {name(node)};")
