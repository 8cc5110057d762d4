"""SQLite's EXPLAIN QUERY PLAN: the tree that its shell prints, and the rows of which it is made.

Vocabulary: https://sqlite.org/eqp.html, and `wherecode.c`, `select.c` and `expr.c` of SQLite 3.7 to 3.50. A plan
has several steps on its top level, so the heading QUERY PLAN is the root. It has no costs, rows or times.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from dbtui.errors import InputError
from dbtui.model.plan import Plan, PlanNode
from dbtui.plans.measure import measure

MAX_DEPTH, MAX_NODES = 2_000, 200_000

_ROOT = "QUERY PLAN"
_TREE = re.compile(r"(?m)\A\s*(?:QUERY PLAN[ \t\r]*\n)?(?=[|`]--)")
_BRANCH = re.compile(r"((?:\|  |   )*)(\|--|`--)(.*)", re.S)
_ROW = re.compile(r"\s*([0-9]{1,9})\s*[|│,\t]\s*([0-9]{1,9})\s*[|│,\t]\s*([0-9]{1,9})\s*[|│,\t]\s*(\S.*)")
_HEAD = re.compile(
    r"(?:SCAN|SEARCH|USE TEMP B-TREE|COMPOUND QUERY|CO-ROUTINE|MATERIALIZE|MULTI-INDEX OR|EXECUTE |LIST SUBQUERY"
    r"|(?:CORRELATED |REUSE )?(?:SCALAR|LIST) SUBQUERY|MERGE \(|UNION|INTERSECT|EXCEPT|SETUP|RECURSIVE STEP"
    r"|LEFT-MOST SUBQUERY|BLOOM FILTER|RIGHT-JOIN|INDEX [0-9])"
)
_ROWS_TOLD = re.compile(r" \(~([0-9]{1,15}) rows?\)\Z")
_JOINS = (" LEFT-JOIN", " EXISTS", " FULL-JOIN")
_USED = re.compile(
    r"((?:AUTOMATIC )?(?:PARTIAL )?(?:COVERING )?INDEX|(?:INTEGER )?PRIMARY KEY|ROWID SEARCH)(?: |\Z)"
)
_OPERATIONS = (
    "USE TEMP B-TREE", "MULTI-INDEX OR", "COMPOUND QUERY", "LEFT-MOST SUBQUERY", "CORRELATED SCALAR SUBQUERY",
    "CORRELATED LIST SUBQUERY", "SCALAR SUBQUERY", "LIST SUBQUERY", "RECURSIVE STEP", "BLOOM FILTER", "CO-ROUTINE",
    "MATERIALIZE", "UNION USING TEMP B-TREE", "INTERSECT USING TEMP B-TREE", "EXCEPT USING TEMP B-TREE",
    "UNION ALL", "RIGHT-JOIN", "MERGE", "SETUP",
)  # fmt: skip
_Step = tuple[int, int, str]  # id, id of the parent (0 for the root), text


def recognise(text: str) -> bool:
    """Whether a text is such a plan, as a tree, as rows, or as rows in JSON."""
    start = text.lstrip("\ufeff \t\r\n")
    if start[:1] in "[{" and start:
        head = start[:400]
        return '"detail"' in head and '"parent"' in head and '"Node Type"' not in head
    if _TREE.match(start):
        return True
    line = next((one for one in start.split("\n") if one.strip() not in ("", "id|parent|notused|detail")), "")
    row = _ROW.fullmatch(line)
    return row is not None and _HEAD.match(row[4]) is not None


def read(text: str) -> Plan:
    """The measured plan in a text that `recognise` knows. Raises InputError."""
    start = text.lstrip("\ufeff \t\r\n")
    if start[:1] in "[{":
        steps, form = _of_json(start), "sqlite-json"
    elif _TREE.match(start):
        steps, form = _of_tree(start), "sqlite-text"
    else:
        steps, form = _of_rows(start), "sqlite-rows"
    return measure(Plan(format=form, nodes=_nodes(steps), original=text))


def _of_tree(text: str) -> list[_Step]:
    """The steps of the shell's tree; a line without a branch goes on with the name in the line before."""
    steps: list[_Step] = []
    above: list[int] = []  # ids of the step and of those it is below
    for line in text.replace("\r\n", "\n").rstrip().split("\n"):
        found = _BRANCH.fullmatch(line)
        if found is None:
            if steps and line.strip():
                steps[-1] = (*steps[-1][:2], f"{steps[-1][2]}\n{line}")
            continue
        depth = len(found[1]) // 3
        if depth > len(above):
            raise InputError("the plan breaks off", f"nothing stands above {found[3].strip()[:60]}")
        del above[depth:]
        steps.append((len(steps) + 1, above[-1] if above else 0, found[3].rstrip()))
        above.append(len(steps))
        if depth > MAX_DEPTH or len(steps) > MAX_NODES:
            raise InputError("the plan is nested too deeply", f"dbtui reads {MAX_DEPTH} levels")
    return steps


def _of_rows(text: str) -> list[_Step]:
    found = [match for line in text.split("\n") if (match := _ROW.fullmatch(line.rstrip(" |│\r")))]
    rows = [(int(match[1]), int(match[2]), match[4].rstrip()) for match in found]
    if any(
        id_ == 0 for id_, _, _ in rows
    ):  # before 3.24: the number of a SELECT, which says nothing of parents
        return [(number, 0, detail) for number, (_, _, detail) in enumerate(rows, 1)]
    return rows


def _of_json(text: str) -> list[_Step]:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("the plan breaks off", "the JSON ends in the middle") from None
    rows = value if isinstance(value, list) else [value]
    try:
        return [(int(row["id"]), int(row["parent"]), str(row["detail"])) for row in rows]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError("this JSON is not a plan of SQLite", "its rows have id, parent and detail") from None


def _nodes(steps: Sequence[_Step]) -> tuple[PlanNode, ...]:
    """The nodes in the order in which they are drawn. What names no known parent hangs on the root."""
    if len(steps) > MAX_NODES:
        raise InputError(f"the plan has more than {MAX_NODES} steps", "nothing of it was read")
    ids = {step[0] for step in steps}
    if len(ids) != len(steps):
        raise InputError("the text holds more than one plan", "give one plan at a time")
    children: dict[int, list[_Step]] = {}
    for step in steps:
        children.setdefault(step[1] if step[1] in ids and step[1] < step[0] else 0, []).append(step)
    nodes = [PlanNode(id=0, parent=None, depth=0, label=_ROOT, operation=_ROOT)]
    stack = [(step, 0) for step in reversed(children.get(0, []))]
    while stack:
        step, parent = stack.pop()
        depth = nodes[parent].depth + 1
        if depth > MAX_DEPTH:
            raise InputError("the plan is nested too deeply", f"dbtui reads {MAX_DEPTH} levels")
        nodes.append(_node(len(nodes), parent, depth, step[2]))
        here = len(nodes) - 1
        stack += [(below, here) for below in reversed(children.get(step[0], []))]
    return tuple(nodes)


def _node(id_: int, parent: int, depth: int, detail: str) -> PlanNode:
    if not detail.startswith(("SCAN ", "SEARCH ")):
        return PlanNode(
            id=id_, parent=parent, depth=depth, label=detail, operation=_operation(detail),
            subplan=_subplan(detail), raw={"Detail": detail},
        )  # fmt: skip
    access = _access(detail)
    rows = access.pop("Rows", "")
    words = access.get("Access", "").split()
    flags = {word.capitalize(): True for word in ("AUTOMATIC", "COVERING", "PARTIAL") if word in words}
    return PlanNode(
        id=id_, parent=parent, depth=depth, label=detail, operation=detail.partition(" ")[0],
        relation=access.get("Relation Name", ""), index=access.get("Index Name", ""),
        estimated_rows=float(rows) if rows else None, raw={"Detail": detail, **access, **flags},
    )  # fmt: skip


def _access(detail: str) -> dict[str, str]:
    """What a SCAN or SEARCH says. A name with the words of a plan in it cannot be told from them."""
    rest = detail.partition(" ")[2].removeprefix("TABLE ").removeprefix("SUBQUERY ")
    found: dict[str, str] = {}
    if told := _ROWS_TOLD.search(rest):
        found["Rows"], rest = told[1], rest[: told.start()]
    for join in _JOINS:
        if rest.endswith(join):
            found["Join"], rest = join.strip(), rest.removesuffix(join)
    rest, _, virtual = rest.partition(" VIRTUAL TABLE INDEX ")
    head, _, using = rest.partition(" USING ")
    if not using and head.endswith(")"):  # SCAN t (~9 rows) apart, only ranges of old versions stand here
        head, _, condition = head.partition(" (")
        found["Condition"] = f"({condition}"
    found["Relation Name"], _, alias = head.partition(" AS ")
    if used := _USED.match(using):
        name, opening, condition = using[used.end() :].partition("(")
        found["Access"] = used[1]
        found["Index Name"] = name.strip()
        found["Condition"] = opening + condition
    found["Alias"], found["Virtual Table Index"] = alias, virtual
    return {name: value for name, value in found.items() if value}


def _operation(detail: str) -> str:
    plain = detail.removeprefix("EXECUTE ")
    known: Iterable[str] = (name for name in _OPERATIONS if plain.startswith(name))
    return next(iter(known), plain.split(" ", 1)[0])


def _subplan(detail: str) -> str:
    """What a CO-ROUTINE or MATERIALIZE makes: the name under which it is scanned."""
    for word in ("CO-ROUTINE ", "MATERIALIZE "):
        if detail.startswith(word):
            return detail.removeprefix(word)
    return ""
