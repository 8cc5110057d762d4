"""What a MongoDB query asks for, as its command or the filter of a stage says, and the index that would answer it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dbtui.documents import mapping
from dbtui.model.plan import Plan, PlanNode
from dbtui.rules.plan.tree import Tree, rows, text

_EQUAL = frozenset({"$eq", "$in"})
_DEPTH = 50  # levels of $and and $or that are looked at


@dataclass(frozen=True, slots=True)
class Predicate:
    """A comparison of one field: `total: {$gt: 5}` is ("total", "$gt", 5)."""

    field: str
    operator: str
    value: Any
    options: str = ""  # of a regular expression


def filter_of(node: PlanNode) -> Mapping[str, Any]:
    """The filter of a stage; empty where it has none."""
    return _object(text(node, "filter"))


def asked_for(plan: Plan) -> Mapping[str, Any]:
    """The filter of the command: of find, count, distinct, the first $match, update and delete.

    Where the plan does not tell its command, that of the first stage with a filter.
    """
    command = _object(plan.query)
    pipeline = command.get("pipeline")
    if isinstance(pipeline, list) and pipeline and isinstance(pipeline[0], Mapping):
        return mapping(pipeline[0].get("$match"))
    for key in ("updates", "deletes"):
        changes = command.get(key)
        if isinstance(changes, list) and changes and isinstance(changes[0], Mapping):
            return mapping(changes[0].get("q"))
    for key in ("filter", "query", "q"):
        if isinstance(command.get(key), Mapping):
            return mapping(command[key])
    return next((found for node in plan.nodes if (found := filter_of(node))), {})


def predicates(asked: Mapping[str, Any], depth: int = 0) -> Iterator[Predicate]:
    """The comparisons that all have to hold: those of the top level and of $and, not those inside $or."""
    if depth > _DEPTH:
        return
    for field, value in asked.items():
        if field == "$and" and isinstance(value, list):
            for one in value:
                yield from predicates(mapping(one), depth + 1)
        elif field.startswith("$"):
            continue
        elif isinstance(value, Mapping) and any(key.startswith("$") for key in value):
            extended = mapping(value.get("$regularExpression"))
            if extended:
                yield Predicate(field, "$regex", extended.get("pattern"), str(extended.get("options") or ""))
                continue
            options = str(value.get("$options") or "")
            for operator, operand in value.items():
                if operator not in ("$options", "$oid", "$date", "$numberDecimal"):
                    yield Predicate(field, operator, operand, options)
        else:
            yield Predicate(field, "$eq", value)


def branches(asked: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The branches of a $or at the top of a filter, or inside its $and."""
    found = asked.get("$or")
    if isinstance(found, list):
        return [mapping(one) for one in found]
    both = asked.get("$and")
    inner = (branches(mapping(part)) for part in (both if isinstance(both, list) else ()))
    return next((one for one in inner if one), [])


def index_for(node: PlanNode, asked: Mapping[str, Any], sort: Mapping[str, Any]) -> tuple[str, ...]:
    """The command that makes the index for a filter: equality, then the sort, then one range (ESR)."""
    keys: dict[str, Any] = {}
    ranges: list[str] = []
    for one in predicates(asked):
        if one.operator in _EQUAL:
            keys.setdefault(one.field, 1)
        elif one.operator in ("$gt", "$gte", "$lt", "$lte") or (
            one.operator == "$regex" and is_anchored(one)
        ):
            ranges.append(one.field)
    for field, direction in sort.items():
        if isinstance(direction, int) and not isinstance(direction, bool):
            keys.setdefault(field, direction)
    for field in ranges[:1]:
        keys.setdefault(field, 1)
    return (f"{collection(node)}.createIndex({{{_pattern(keys)}}});",) if keys and node.relation else ()


def is_anchored(one: Predicate) -> bool:
    """Whether a regular expression says how the value begins, with regard to case."""
    pattern = str(one.value)
    return pattern.startswith(("^", "\\A")) and "i" not in one.options


def sort_of(tree: Tree, node: PlanNode) -> Mapping[str, Any]:
    """The order in which what is above a stage wants its documents."""
    for above in tree.ancestors(node):
        found = _object(text(above, "sortPattern")) or _object(text(above, "$sort"))
        if found:
            return mapping(found.get("sortKey", found))
    return mapping(_object(tree.plan.query).get("sort"))


def examined(node: PlanNode, key: str) -> float | None:
    """Documents or keys that a stage looked at; None where the plan does not tell."""
    value = node.raw.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def documents(node: PlanNode) -> float:
    """Documents that a scan of a collection looked at."""
    return examined(node, "docsExamined") or rows(node)


def looked_at(plan: Plan) -> float:
    """The most documents or keys that a stage of a plan looked at."""
    seen = (examined(node, key) or 0.0 for node in plan.nodes for key in ("docsExamined", "keysExamined"))
    return max(seen, default=0.0)


def lookup_of(node: PlanNode) -> tuple[str, str]:
    """The other collection of a $lookup, and the field by which it is searched; empty where the plan is silent."""
    about = _object(text(node, "$lookup"))
    other = str(about.get("from") or text(node, "foreignCollection"))
    return other.rpartition(".")[2], str(about.get("foreignField") or text(node, "foreignField"))


def collection(node: PlanNode) -> str:
    """A collection as the shell calls it."""
    name = node.relation.partition(".")[2] or node.relation
    return f"db.{name}" if re.fullmatch(r"[A-Za-z_]\w*", name) else f"db.getCollection({json.dumps(name)})"


def _pattern(keys: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{field if re.fullmatch(r'[A-Za-z_]+[0-9A-Za-z_]*', field) else json.dumps(field)}: {direction}"
        for field, direction in keys.items()
    )


def _object(said: str) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(said)) if said.startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
