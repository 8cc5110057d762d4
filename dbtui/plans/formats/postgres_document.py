"""From EXPLAIN's document to a Plan, whatever its notation: the shape is the one of FORMAT JSON.

A document is `{"Plan": {…, "Plans": […]}, "Planning Time": …, "Execution Time": …, "Triggers": […], …}`.
The other notations are turned into it first, so that a rule reads the same keys in all of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from dbtui.errors import InputError
from dbtui.model.plan import Plan, PlanNode
from dbtui.sql.quoting import identifier

MAX_DEPTH = 400  # levels of nodes; the widest joins that servers plan are below it
LARGEST_FIGURE = 1e15  # no loop count, row count or time in milliseconds of a run is above it

BLOCKS = ("Shared Hit Blocks", "Shared Read Blocks", "Local Hit Blocks", "Local Read Blocks")

LISTS = frozenset(
    {"Plans", "Workers", "Triggers", "Target Tables", "Grouping Sets", "Group Keys", "Hash Keys"}
)  # also where they are empty
_TOP = frozenset(
    {
        "Plan",
        "Query Text",
        "Triggers",
        "Settings",
        "Planning Time",
        "Execution Time",
        "Total Runtime",
    }
)
_AGGREGATES = {"Sorted": "GroupAggregate", "Hashed": "HashAggregate", "Mixed": "MixedAggregate"}
_OBJECT_KEYS = ("Relation Name", "Function Name", "Table Function Name", "CTE Name", "Tuplestore Name")
_TEXTS = frozenset(
    (
        "Alias",
        "Schema",
        "Relation",
        "Item",
        "Output",
        "Query Text",
        "Query Parameters",
        "Custom Plan Provider",
    )
)
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")
_RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
    all analyse analyze and any array as asc both case cast check collate column constraint create
    current_date current_role current_time current_timestamp current_user default deferrable desc
    distinct do else end except false fetch for foreign from grant group having in initially intersect
    into lateral leading limit localtime localtimestamp not null offset on only or order placing primary
    references returning select session_user some symmetric system_user table then to trailing true
    union unique user using variadic when where window with
        """,
    )
)


def build(document: object, notation: str, original: str) -> Plan:
    """The plan of a document, not yet measured. `notation` is json, text, yaml or xml.

    Raises InputError where the document is not a plan, or is nested deeper than `MAX_DEPTH` nodes.
    """
    if not isinstance(document, dict) or not isinstance(document.get("Plan"), dict):
        raise InputError("this is not a plan of PostgreSQL", "it has no Plan with a Node Type")
    triggers = document.get("Triggers")
    settings = document.get("Settings")
    return Plan(
        format=f"postgres-{notation}",
        nodes=_nodes(document["Plan"]),
        original=original,
        query=text_of(document.get("Query Text")).strip(),
        planning_ms=_figure(document, "Planning Time"),
        execution_ms=_figure(document, "Execution Time", "Total Runtime"),
        settings={k: text_of(v) for k, v in settings.items()} if isinstance(settings, dict) else {},
        triggers=tuple(t for t in triggers if isinstance(t, dict)) if isinstance(triggers, list) else (),
        extra={k: v for k, v in document.items() if k not in _TOP},
    )


def _nodes(root: Mapping[str, Any]) -> tuple[PlanNode, ...]:
    """All nodes in preorder, so that a subtree is a run of ids."""
    nodes: list[PlanNode] = []
    waiting: list[tuple[object, int | None, int]] = [(root, None, 0)]
    while waiting:
        node, parent, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise too_deep()
        if not isinstance(node, dict):
            raise InputError("this is not a plan of PostgreSQL", "a node of it is not an object")
        number = len(nodes)
        nodes.append(_node(node, number, parent, depth))
        children = node.get("Plans", [])
        if isinstance(children, dict):
            children = [children]
        if not isinstance(children, list):
            raise InputError("this is not a plan of PostgreSQL", "the children of a node are not a list")
        waiting.extend((child, number, depth + 1) for child in reversed(children))
    return tuple(nodes)


def too_deep() -> InputError:
    """The error for what is nested beyond the limit."""
    return InputError(f"the plan is nested deeper than {MAX_DEPTH} levels", "nothing of it was read")


def _node(node: Mapping[str, Any], number: int, parent: int | None, depth: int) -> PlanNode:
    operation = node.get("Node Type")
    if not isinstance(operation, str) or not operation:
        raise InputError("this is not a plan of PostgreSQL", "a node of it has no Node Type")
    relation = text_of(node.get("Relation Name"))
    schema = text_of(node.get("Schema"))
    width = number_of(node.get("Plan Width"))
    loops = _figure(node, "Actual Loops")
    return PlanNode(
        id=number,
        parent=parent,
        depth=depth,
        label=text_of(node.get("Label")) or label(node),
        operation=operation,
        relation=f"{schema}.{relation}" if schema and relation else relation,
        index=text_of(node.get("Index Name")),
        relationship=text_of(node.get("Parent Relationship")) if parent is not None else "",
        subplan=text_of(node.get("Subplan Name")),
        estimated_rows=number_of(node.get("Plan Rows")),
        estimated_width=None if width is None else int(width),
        startup_cost=number_of(node.get("Startup Cost")),
        total_cost=number_of(node.get("Total Cost")),
        rows=_figure(node, "Actual Rows") if loops is not None else None,
        loops=loops,
        startup_ms=_figure(node, "Actual Startup Time") if loops is not None else None,
        actual_ms=_figure(node, "Actual Total Time") if loops is not None else None,
        blocks=_blocks(node) if loops is not None else None,
        raw={k: v for k, v in node.items() if k not in ("Plans", "Label")},
    )


def _blocks(node: Mapping[str, Any]) -> int | None:
    if not any(key in node for key in BLOCKS):
        return None
    return sum(int(_figure(node, key) or 0) for key in BLOCKS)


def number_of(value: object) -> float | None:
    """A finite number, or None: what is no number, NaN and the infinities have no place in a sum."""
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def figure(value: object, name: str) -> float | None:
    """A measured number: never negative, None where there is none. Raises InputError above LARGEST_FIGURE."""
    if type(value) in (int, float) and 0 <= value <= LARGEST_FIGURE:  # type: ignore[operator]
        return float(value)  # type: ignore[arg-type]
    number = number_of(value)
    if number is None:
        if isinstance(value, int) and not isinstance(value, bool):
            raise InputError(f"the plan's {name} is out of range", "no server measures such a number")
        return None
    if number > LARGEST_FIGURE:
        raise InputError(
            f"the plan's {name} of {number:g} is out of range", "no server measures such a number"
        )
    return max(0.0, number)


def _figure(node: Mapping[str, Any], *keys: str) -> float | None:
    for key in keys:
        if key in node:
            return figure(node[key], key)
    return None


def is_text(key: str) -> bool:
    """Whether a property is a text even where it looks like a number or a truth value."""
    return key in _TEXTS or (key.endswith(("Name", "Filter", "Cond", "Key")) and not key.startswith("Rows "))


def text_of(value: object) -> str:
    """A value as text; an empty text for None and for what is a structure."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value)


def label(node: Mapping[str, Any]) -> str:
    """The node in the words of EXPLAIN's text form: "Hash Left Join", "Index Scan using i on public.t x"."""
    words = _operation(node)
    if node.get("Scan Direction") == "Backward":
        words += " Backward"
    index = text_of(node.get("Index Name"))
    if index and node.get("Node Type") == "Bitmap Index Scan":
        return f"{words} on {quoted(index)}"
    if index:
        words += f" using {quoted(index)}"
    return words + _target(node)


def _operation(node: Mapping[str, Any]) -> str:
    kind = text_of(node.get("Node Type"))
    join = text_of(node.get("Join Type"))
    words = kind
    if kind == "Aggregate":
        words = _AGGREGATES.get(text_of(node.get("Strategy")), kind)
        mode = text_of(node.get("Partial Mode"))
        words = f"{mode} {words}" if mode in ("Partial", "Finalize") else words
    elif kind == "SetOp":
        words = "HashSetOp" if node.get("Strategy") == "Hashed" else kind
        words = f"{words} {text_of(node.get('Command'))}".rstrip()
    elif kind == "ModifyTable":
        words = text_of(node.get("Operation")) or kind
    elif kind == "Foreign Scan" and node.get("Operation") in ("Insert", "Update", "Delete"):
        words = f"Foreign {node['Operation']}"
    elif kind == "Custom Scan" and node.get("Custom Plan Provider"):
        words = f"Custom Scan ({text_of(node['Custom Plan Provider'])})"
    elif join and join != "Inner":
        words = f"{kind.removesuffix(' Join')} {join} Join"
    if node.get("Parallel Aware") is True:
        words = f"Parallel {words}"
    return f"Async {words}" if node.get("Async Capable") is True else words


def _target(node: Mapping[str, Any]) -> str:
    name = next((text_of(node[key]) for key in _OBJECT_KEYS if node.get(key)), "")
    alias = text_of(node.get("Alias"))
    if not name and not alias:
        return ""
    schema = text_of(node.get("Schema"))
    words = " on"
    if name:
        words += f" {quoted(schema)}.{quoted(name)}" if schema else f" {quoted(name)}"
    if alias and alias != name:
        words += f" {quoted(alias)}"
    return words


def quoted(name: str) -> str:
    """An identifier as the server's quote_ident() writes it."""
    if _PLAIN_NAME.match(name) and name not in _RESERVED:
        return name
    return identifier(name)
