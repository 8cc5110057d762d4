"""MySQL's plans of iterators: EXPLAIN FORMAT=TREE, EXPLAIN ANALYZE, and FORMAT=JSON of version 2.

Both say the same in two notations. Times are `last row` of one loop, and contain what stands below; only
subqueries of the select list run when a row is sent, outside the clock of the node they stand at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans.formats.mysql_nodes import SELECT_LIST, SUBQUERY, Draft, finish
from dbtui.plans.formats.postgres_document import MAX_DEPTH, figure, number_of, text_of, too_deep

_CHILDREN = ("inputs", "inputs_from_select_list")


# ---- JSON


def is_document(document: object) -> bool:
    """Whether a JSON value is a plan of version 2."""
    return isinstance(document, dict) and (
        isinstance(document.get("query_plan"), dict)
        or ("operation" in document and "access_type" in document)
    )


def read_document(document: Mapping[str, Any], original: str) -> Plan:
    """The measured plan. Raises InputError."""
    wrapped = document.get("query_plan")
    root = wrapped if isinstance(wrapped, Mapping) else document
    analyzed = "actual_loops" in root or "actual_rows" in root
    extra = {k: v for k, v in document.items() if k not in ("query", "query_plan")} if root is wrapped else {}
    draft = _from_json(root, "", 0, analyzed=analyzed)
    _share_costs(draft)
    return finish(draft, "mysql-json", original, query=text_of(document.get("query")), extra=extra)


def _from_json(node: Mapping[str, Any], relationship: str, depth: int, *, analyzed: bool) -> Draft:
    if depth > MAX_DEPTH:
        raise too_deep()
    operation = text_of(node.get("operation"))
    if not operation:
        raise InputError("this is not a plan of MySQL", "a node of it has no operation")
    loops = figure(node.get("actual_loops"), "loops")
    last = figure(node.get("actual_last_row_ms"), "time")
    heading = text_of(node.get("heading"))
    schema, table = text_of(node.get("schema_name")), text_of(node.get("table_name"))
    draft = Draft(
        label=operation,
        operation=short(operation),
        relation=f"{schema}.{table}" if schema and table else table,
        index=text_of(node.get("index_name")),
        relationship=relationship or (SUBQUERY if node.get("subquery") is True else _heading(heading)),
        subplan=heading if heading.startswith("Select #") else "",
        estimated_rows=number_of(node.get("estimated_rows")),
        startup_cost=number_of(node.get("estimated_first_row_cost")),
        total_cost=number_of(node.get("estimated_total_cost")),
        rows=figure(node.get("actual_rows"), "rows"),
        loops=(loops or 0.0) if analyzed else None,
        startup_ms=figure(node.get("actual_first_row_ms"), "time"),
        inclusive=last * loops if last is not None and loops is not None else None,
        raw={key: value for key, value in node.items() if key not in _CHILDREN},
    )
    for key in _CHILDREN:
        children = node.get(key, [])
        if not isinstance(children, list) or not all(isinstance(child, Mapping) for child in children):
            raise InputError("this is not a plan of MySQL", f"{key} of a node is not a list of nodes")
        kind = SELECT_LIST if key == "inputs_from_select_list" else ""
        draft.children += [_from_json(child, kind, depth + 1, analyzed=analyzed) for child in children]
    return draft


def _heading(text: str) -> str:
    return text if text in _HEADINGS else ""


# ---- the tree

_LINE = re.compile(r"^( *)-> (.*)$")
_FIGURE = "([0-9.e+-]{1,30}?)"
_COST = re.compile(rf" {{1,2}}\(cost={_FIGURE}(?:\.\.{_FIGURE})?(?: rows={_FIGURE})?\)\Z")
_ACTUAL = re.compile(rf" {{1,2}}\(actual time={_FIGURE}\.\.{_FIGURE} rows={_FIGURE} loops={_FIGURE}\)\Z")
_HEADINGS = ("Hash", "Repeat until convergence")  # lines that say what the node below them is for
_QUOTED = re.compile(r"'(?:[^'\\]++|\\.|'')*+'|`(?:[^`]++|``)*+`", re.DOTALL)
_NEVER = "(never executed)"
_SELECT = re.compile(r"Select #\d+ \((?:subquery in )?([^;)]*)")
_OBJECT = re.compile(r" on (`(?:[^`]|``)+`|\S+)(?: using (`(?:[^`]|``)+`|\S+))?")


def is_tree(text: str) -> bool:
    """Whether a text is EXPLAIN's tree."""
    return text.lstrip().startswith("-> ") or "<not executable by iterator executor>" in text[:200]


def read_tree(text: str) -> Plan:
    """The measured plan of a tree. Raises InputError."""
    if "<not executable by iterator executor>" in text[:200]:
        raise InputError("MySQL has no tree for this statement", "take EXPLAIN FORMAT=JSON")
    lines = _logical_lines(text)
    analyzed = any(_ACTUAL.search(line) or line.endswith(_NEVER) for _, line in lines)
    root: Draft | None = None
    stack: list[
        tuple[int, Draft, Draft]
    ] = []  # indent, the node, and the one whose select list it belongs to
    for indent, line in lines:
        draft = _from_line(line, analyzed=analyzed)
        while stack and stack[-1][0] > indent:
            stack.pop()
        before = stack.pop() if stack and stack[-1][0] == indent else None
        owner = draft
        if root is None:
            root = draft
        elif before is not None and draft.relationship == SELECT_LIST:
            owner = before[2]
            owner.children.append(draft)
        elif stack:
            stack[-1][1].children.append(draft)
        elif _SELECT.match(line):
            root.children.append(draft)
        else:
            raise InputError("the text holds more than one plan", "give one plan at a time")
        stack.append((indent, draft, owner))
    if root is None:
        raise InputError("this is not a plan of MySQL", "no line of it begins with ->")
    root = _without_headings(root)
    _share_costs(root)
    return finish(root, "mysql-tree", text)


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Indent and text of each node. A literal may hold line breaks, and what looks like the next node."""
    lines: list[tuple[int, str]] = []
    for line in text.split("\n"):
        match = _LINE.match(line)
        inside = bool(lines) and "'" in lines[-1][1] and "'" in _QUOTED.sub("", lines[-1][1])
        if match is not None and not inside:
            lines.append((len(match[1]), match[2]))
        elif lines and (line.strip() or inside):
            lines[-1] = (lines[-1][0], f"{lines[-1][1]}\n{line}")
    return lines


def _from_line(line: str, *, analyzed: bool) -> Draft:
    label = line.rstrip()
    never = label.endswith(_NEVER)
    label = label.removesuffix(_NEVER).rstrip()
    actual = _ACTUAL.search(label)
    label = label[: actual.start()] if actual is not None else label
    cost = _COST.search(label)
    label = (label[: cost.start()] if cost is not None else label).strip()
    numbers = [] if actual is None else [_number(group) for group in actual.groups()]
    first, last, rows, loops = numbers or (None, None, None, 0.0 if never else None)
    named = _OBJECT.search(label)
    select = _SELECT.match(label)
    relationship = "" if select is None else SELECT_LIST if select[1] == "projection" else SUBQUERY
    return Draft(
        label=label,
        operation=short(label),
        relation=named[1].strip("`") if named is not None and select is None else "",
        index=(named[2] or "").strip("`,") if named is not None and select is None else "",
        relationship=relationship,
        subplan=label if select is not None else "",
        estimated_rows=None if cost is None or cost[3] is None else _number(cost[3]),
        startup_cost=_number(cost[1]) if cost is not None and cost[2] is not None else None,
        total_cost=None if cost is None else _number(cost[2] or cost[1]),
        rows=rows,
        loops=loops if analyzed else None,
        startup_ms=first,
        inclusive=last * loops if last is not None and loops is not None else None,
    )


def _number(text: str) -> float:
    try:
        found = figure(float(text), "figure")
    except ValueError:
        found = None
    if found is None:
        raise InputError(f"the plan holds {text!r} where a number belongs")
    return found


def _without_headings(draft: Draft) -> Draft:
    """A line such as `Select #2 (…)` says what the node below it is: the two become one."""
    draft.children = [_merged(_without_headings(child)) for child in draft.children]
    _ran_with_children(draft)
    return draft


def _merged(heading: Draft) -> Draft:
    known = bool(heading.subplan) or heading.label in _HEADINGS
    if not known or len(heading.children) != 1 or heading.inclusive is not None:
        return heading
    below = heading.children[0]
    below.relationship = heading.relationship or heading.label
    below.subplan = heading.subplan
    return below


def _ran_with_children(draft: Draft) -> None:
    """A line without figures of its own (Repeat until convergence) ran when what is below it did."""
    if draft.loops is None and draft.inclusive is None:
        loops = [child.loops for child in draft.children if child.loops is not None]
        draft.loops = 1.0 if any(loops) else 0.0 if loops else None


# ---- both


def short(operation: str) -> str:
    """The kind of a node out of its line: "Filter: (a > 1)" is a Filter, "Table scan on t" a Table scan."""
    words = re.split(r": | on <| on |,| \(|  ", operation, maxsplit=1)[0].strip()
    return re.sub(r" CTE .*| #\d.*", "", words) or operation


def _share_costs(root: Draft) -> None:
    """Each node's part of the estimate, at least 0.

    Costs contain those below, and a node without one costs what those below do. The right side of a nested loop
    states the cost of one loop, and runs for each row of the left side.
    """
    order: list[tuple[Draft, float]] = []
    waiting: list[tuple[Draft, float]] = [(root, 1.0)]
    while waiting:
        draft, runs = waiting.pop()
        order.append((draft, runs))
        waiting.extend((child, runs * _times(draft, index)) for index, child in enumerate(draft.children))
    for draft, runs in reversed(order):
        costs = [child.total_cost for child in draft.children]
        if draft.total_cost is None and all(cost is None for cost in costs):
            continue
        below = sum((cost or 0.0) * _times(draft, index) for index, cost in enumerate(costs))
        if draft.total_cost is None:
            draft.total_cost = below
        draft.self_cost = max(0.0, draft.total_cost - below) * runs


def _times(parent: Draft, index: int) -> float:
    """How often a child runs for one run of its parent."""
    if not index or not parent.operation.startswith("Nested loop"):
        return 1.0
    return max(1.0, parent.children[0].estimated_rows or 1.0)
