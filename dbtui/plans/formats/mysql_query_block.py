"""The plans of query blocks: MariaDB's EXPLAIN and ANALYZE FORMAT=JSON, and MySQL's FORMAT=JSON of version 1.

MariaDB times each table apart (`r_table_time_ms` + `r_other_time_ms`, over all loops), a block with all that is
in it, and a filesort with the table that it sorts directly, but not with the temporary table below it. A
subquery runs inside the filesort whose key or table mentions it, else inside its block. Objects may hold one
key several times (the tables of a join, before nested_loop came), so they are read as pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans.formats.mysql_nodes import SUBQUERY, Draft, finish
from dbtui.plans.formats.postgres_document import MAX_DEPTH, figure, number_of, text_of, too_deep


class Members(dict[str, Any]):
    """A JSON object that keeps each pair, also where a key comes twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


_ACCESS = {
    "ALL": "Table scan", "index": "Index scan", "range": "Index range scan", "ref": "Index lookup",
    "eq_ref": "Unique index lookup", "ref_or_null": "Index lookup or NULL", "const": "Constant row",
    "system": "Constant row", "fulltext": "Full-text lookup", "index_merge": "Index merge",
    "unique_subquery": "Unique index lookup in subquery", "index_subquery": "Index lookup in subquery",
    "hash_ALL": "Hash join of table scan", "hash_range": "Hash join of index range scan",
    "hash_index": "Hash join of index scan", "hash_index_merge": "Hash join of index merge",
}  # fmt: skip
_NODES = {
    "query_block": "Query block", "table": "Table", "filesort": "Sort", "temporary_table": "Temporary table",
    "block-nl-join": "Block nested loop join", "read_sorted_file": "Read sorted rows", "union_result": "Union",
    "recursive_union": "Recursive union", "intersect_result": "Intersect", "except_result": "Except",
    "unit_result": "Set operation", "subquery_cache": "Subquery cache", "expression_cache": "Subquery cache",
    "window_functions_computation": "Window functions", "duplicates_removal": "Remove duplicates",
    "range-checked-for-each-record": "Range checked for each record", "ordering_operation": "Order",
    "grouping_operation": "Group", "windowing": "Window functions", "buffer_result": "Buffer result",
    "materialized_from_subquery": "Materialize", "insert_from": "Insert from",
}  # fmt: skip
_THROUGH = frozenset({"nested_loop", "materialized", "query_specifications", "sorts", "nested_queries"})
_SUBQUERIES = frozenset(
    {"subqueries", "attached_subqueries", "select_list_subqueries", "order_by_subqueries", "group_by_subqueries",
     "having_subqueries", "optimized_away_subqueries", "insert_values_subqueries", "update_value_subqueries"}
)  # fmt: skip
_MENTION = re.compile(r"\(subquery#(\d{1,9})\)")


def is_document(document: object) -> bool:
    """Whether a JSON value is such a plan."""
    return isinstance(document, dict) and isinstance(document.get("query_block"), dict)


def read_document(document: Mapping[str, Any], original: str) -> Plan:
    """The measured plan. Raises InputError."""
    if not any(_holds_nodes(key) or key == "message" for key in document["query_block"]):
        raise InputError("this is not a plan of MySQL or MariaDB", "its query block is empty")
    mysql = "message" in document["query_block"] or "cost_info" in _keys(document["query_block"], 6)
    root = _node("query_block", document["query_block"], "", 0)
    _settle_subqueries(root)
    _whole_cost(root)
    planning = document.get("query_optimization")
    planning_ms = figure(planning.get("r_total_time_ms"), "time") if isinstance(planning, Mapping) else None
    extra = {
        key: value for key, value in document.items() if key not in ("query_block", "query_optimization")
    }
    form = "mysql-json" if mysql else "mariadb-json"
    return finish(root, form, original, planning_ms=planning_ms, extra=extra)


def _keys(value: object, depth: int) -> set[str]:
    """The keys of an object and of those in it, some levels down."""
    found: set[str] = set()
    level = [value]
    for _ in range(depth):
        level = [
            item
            for one in level
            for item in (one.values() if isinstance(one, Mapping) else one if isinstance(one, list) else ())
        ]
        found |= {key for one in level if isinstance(one, Mapping) for key in one}
    return found


def _pairs(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return value.pairs if isinstance(value, Members) else list(value.items())


def _node(name: str, body: object, relationship: str, depth: int) -> Draft:
    if depth > MAX_DEPTH:
        raise too_deep()
    if not isinstance(body, Mapping):
        raise InputError("this is not a plan of MySQL or MariaDB", f"{name} of it is not an object")
    draft = Draft(*_titles(name, body), relationship=relationship)
    draft.subplan = f"Select #{body['select_id']}" if name == "query_block" and "select_id" in body else ""
    draft.raw = {key: value for key, value in body.items() if not _holds_nodes(key)}
    _figures(draft, name, body)
    for key, value in _pairs(body):
        draft.children += _below(key, value, "", depth + 1)
    _clock(draft, name, body)
    return draft


def _holds_nodes(key: str) -> bool:
    return key in _NODES or key in _THROUGH or key in _SUBQUERIES


def _below(key: str, value: object, relationship: str, depth: int) -> Iterator[Draft]:
    """The nodes that a member of an object stands for."""
    if depth > MAX_DEPTH:
        raise too_deep()
    if key in _NODES:
        yield _node(key, value, relationship, depth)
    elif key in _THROUGH or key in _SUBQUERIES:
        kind = SUBQUERY if key in _SUBQUERIES else relationship
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                for name, inner in _pairs(item):
                    yield from _below(name, inner, kind, depth + 1)


def _titles(name: str, body: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Label, operation, relation and index."""
    if name != "table":
        operation = _NODES[name]
        if name == "query_block":
            number = body.get("select_id")
            label = f"{operation} {number}" if number is not None else operation
            return (
                f"{label}: {body['message']}" if isinstance(body.get("message"), str) else label,
                operation,
                "",
                "",
            )
        detail = text_of(body.get("sort_key")) or text_of(body.get("join_type"))
        table = text_of(body.get("table_name"))
        return (
            f"{operation}{f': {detail}' if detail else ''}{f' {table}' if table else ''}",
            operation,
            table,
            "",
        )
    relation, index = text_of(body.get("table_name")), text_of(body.get("key"))
    if not relation:
        return text_of(body.get("message")) or "No table", "No table", "", ""
    operation = _ACCESS.get(text_of(body.get("access_type")), text_of(body.get("access_type")) or "Table")
    changed = next((word for word in ("insert", "update", "delete", "replace") if body.get(word)), "")
    operation = f"{changed.capitalize()}, {operation.lower()}" if changed else operation
    if body.get("using_index") is True:
        operation = f"Covering {operation[0].lower()}{operation[1:]}"
    label = f"{operation} on {relation}{f' using {index}' if index else ''}"
    return label, operation, relation, index


def _figures(draft: Draft, name: str, body: Mapping[str, Any]) -> None:
    """Rows, loops, cost and pages."""
    cost = body.get("cost_info")
    costs = cost if isinstance(cost, Mapping) else {}
    draft.loops = figure(body.get("r_loops"), "loops")
    if draft.loops is None and any(key.startswith("r_") for key in body):
        draft.loops = 1.0
    draft.rows = figure(body.get("r_rows", body.get("r_output_rows")), "rows")
    draft.estimated_rows = _value(body.get("rows_examined_per_scan", body.get("rows")))
    if name == "query_block":
        draft.total_cost = _value(costs.get("query_cost", body.get("cost")))
    elif name == "table":
        parts = [_value(costs.get(part)) for part in ("read_cost", "eval_cost")]
        own = sum(part for part in parts if part is not None) if costs else _value(body.get("cost"))
        draft.total_cost = draft.self_cost = own
    elif "sort_cost" in costs:
        draft.total_cost = draft.self_cost = _value(costs["sort_cost"])
    stats = body.get("r_engine_stats")
    if isinstance(stats, Mapping):
        draft.pages = int(figure(stats.get("pages_accessed"), "pages") or 0)


def _value(value: object) -> float | None:
    """A number, which version 1 of MySQL prints as a string."""
    if isinstance(value, str):
        try:
            return number_of(float(value))
        except ValueError:
            return None
    return number_of(value)


def _clock(draft: Draft, name: str, body: Mapping[str, Any]) -> None:
    """What the node's own time contains."""
    total = figure(body.get("r_total_time_ms"), "time")
    if name == "query_block":
        draft.inclusive = total
    elif name == "filesort":
        sorts_a_table = any(child.operation != _NODES["temporary_table"] for child in draft.children)
        draft.inclusive, draft.own = (total, None) if sorts_a_table else (None, total)
    else:
        parts = ("r_table_time_ms", "r_other_time_ms", "r_unpack_time_ms", "r_filling_time_ms")
        known = [value for part in parts if (value := figure(body.get(part), "time")) is not None]
        draft.own = sum(known) if known else None
    if draft.loops is None and any(child.loops is not None for child in draft.children):
        draft.loops = 1.0 if any(child.loops for child in draft.children) else 0.0
    if draft.loops == 0:
        draft.inclusive = draft.own = None


def _settle_subqueries(root: Draft) -> None:
    """Move each subquery of a block into the filesort whose time contains it."""
    waiting = [root]
    while waiting:
        draft = waiting.pop()
        waiting.extend(draft.children)
        for child in [child for child in draft.children if child.relationship == SUBQUERY]:
            number = _number_of_subquery(child)
            others = [other for other in draft.children if other is not child]
            sort = next((found for other in others if (found := _sort_with(other, number))), None)
            if number and sort is not None:
                draft.children.remove(child)
                sort.children.append(child)


def _whole_cost(root: Draft) -> None:
    """What is no table has no cost of its own, and the root's is what all nodes come to.

    The cost of a block leaves out its subqueries, and that of MySQL's holds all of its tables.
    """
    everyone, waiting = [], [root]
    while waiting:
        draft = waiting.pop()
        everyone.append(draft)
        waiting.extend(draft.children)
    known = [draft.self_cost for draft in everyone if draft.self_cost is not None]
    if not known and root.total_cost is None:
        return
    for draft in everyone:
        draft.self_cost = draft.self_cost or 0.0
    root.self_cost = max(0.0, (root.total_cost or 0.0) - sum(known))
    root.total_cost = max(root.total_cost or 0.0, sum(known))


def _number_of_subquery(draft: Draft) -> str:
    for one in (draft, *draft.children[:1]):
        if one.subplan.startswith("Select #"):
            return one.subplan.removeprefix("Select #")
    return ""


def _sort_with(draft: Draft, number: str) -> Draft | None:
    """The first filesort below, not beyond a temporary table or a block, that mentions a subquery."""
    waiting = [draft]
    while waiting:
        one = waiting.pop()
        if one.operation == _NODES["filesort"] and one.inclusive is not None:
            texts = [one, *(child for child in one.children if child.relationship != SUBQUERY)]
            if any(number in _MENTION.findall(str(value)) for text in texts for value in text.raw.values()):
                return one
        if one.operation not in (_NODES["query_block"], _NODES["temporary_table"]) or one is draft:
            waiting.extend(one.children)
    return None
