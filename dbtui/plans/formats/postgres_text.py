"""EXPLAIN's text form, also as auto_explain logs it, read into the document of FORMAT JSON.

Every line is looked at once and every pattern is anchored: hostile text costs no more than honest text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dbtui.errors import InputError
from dbtui.plans.formats import postgres_properties as properties
from dbtui.plans.formats.postgres_json import two_plans
from dbtui.plans.formats.postgres_label import describe, is_operation, target_table

_ARROW = re.compile(r"->  ?(?=\S)")
_HEADER = re.compile(r"(InitPlan|SubPlan|CTE) (?=\S)")
_WORKER = re.compile(r"Worker ([0-9]{1,6}):\s*")
_PROPERTY = re.compile(r"([A-Z][A-Za-z0-9 /_-]{0,60}):(?:\s+|$)")
_TRIGGER = re.compile(r"Trigger (?=\S)")
_BEGINS = re.compile("|".join(p.pattern for p in (_ARROW, _PROPERTY, _WORKER, _HEADER, _TRIGGER)))
_NUMBER = r"([0-9]{1,400}(?:\.[0-9]{1,400})?(?:e[+-]?[0-9]{1,4})?|Infinity|NaN|inf|nan)"
_COST = re.compile(rf"\(cost={_NUMBER}\.\.{_NUMBER}\s*rows={_NUMBER}\s*width=([0-9]{{1,20}})\)")
_ACTUAL = re.compile(
    rf"\(actual\s*(?:time={_NUMBER}\.\.{_NUMBER}\s*)?rows={_NUMBER}\s*loops=([0-9]{{1,20}})\)"
)
_MEASURED = re.compile(
    rf"actual\s*(?:time={_NUMBER}\.\.{_NUMBER}\s*)?rows={_NUMBER}\s*loops=([0-9]{{1,20}})\s*\Z"
)
_MODIFIED = re.compile(r"(?:Foreign )?(?:Insert|Update|Delete|Merge) on (\S[^()]*)\Z")
_QUOTES = re.compile("['\"]")
_LITERAL_LINES = 50  # a literal of more lines is read as what follows it
_FIGURES = ("(cost=", "(actual time=", "(actual rows=", "(never executed)")
_MEMBERS = frozenset({"Append", "Merge Append", "BitmapAnd", "BitmapOr"})
_SUMMARY = {
    "Planning time": "Planning Time",
    "Planning Time": "Planning Time",
    "Execution time": "Execution Time",
    "Execution Time": "Execution Time",
    "Total runtime": "Total Runtime",
    "Query Identifier": "Query Identifier",
}
_BUILT = ("Plans", "Workers")  # of a node, from the lines below it: no line of a plan is called so
_SECTIONS = frozenset({"Planning", "JIT", "Serialization", "Settings"})


def recognise(text: str) -> bool:
    """Whether some line is a node as the text form writes it."""
    return _root_line(text.split("\n")) is not None


def has_figures(text: str) -> bool:
    """Whether some line is a node with its figures."""
    return any(
        is_operation(line.strip()) and any(mark in line for mark in _FIGURES) for line in text.split("\n")
    )


def is_bare(text: str) -> bool:
    """Whether the text is the plan and nothing else, so that there is nothing to clean away."""
    first, _, rest = text.partition("\n")
    last = rest[rest.rstrip("\n").rfind("\n") + 1 :].strip()
    figures = any(mark in first for mark in _FIGURES)
    return figures and "\r" not in text and is_operation(first) and _BEGINS.match(last) is not None


def read(text: str) -> object:
    """The document of the plan. Raises InputError on several plans and on a node line that breaks off."""
    lines = text.split("\n")
    start = _root_line(lines)
    if start is None:
        raise InputError("this is not a plan", "no line of it is a node of EXPLAIN")
    reader = _Reader(lines[start])
    reader.document.update(_query(lines[:start]))
    for number, line in _logical(lines, start + 1):
        reader.line(line, number)
    return reader.document


def _root_line(lines: list[str]) -> int | None:
    """Where the plan begins: the first line with figures, or (COSTS OFF) the first that is an operation."""
    for number, line in enumerate(lines):
        if any(mark in line for mark in _FIGURES) and not _PROPERTY.match(line.lstrip()):
            wrapped = number > 0 and line.lstrip().startswith("(") and is_operation(lines[number - 1].strip())
            return number - 1 if wrapped else number
    return next((number for number, line in enumerate(lines) if is_operation(line.strip())), None)


def _query(preface: list[str]) -> dict[str, str]:
    """auto_explain's `Query Text:`, which may be of several lines, and `Query Parameters:`."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in preface:
        content = line.strip()
        for key in ("Query Text", "Query Parameters"):
            if content.startswith(f"{key}:"):
                lines = found.setdefault(key, [])
                content = content[len(key) + 1 :].strip()
                break
        else:
            content = line.rstrip()
        lines.append(content)
    return {key: "\n".join(value).strip() for key, value in found.items()}


def _logical(lines: list[str], start: int) -> Iterator[tuple[int, str]]:
    """Lines from the root on, numbered; what begins nothing continues the line before (a wrapped paste).

    A terminal wraps at its width and loses nothing; a mail breaks at a space, which is then put back.
    """
    root_column = _column(lines[start - 1])
    width = max(map(len, lines))
    parts: list[str] = [lines[start - 1]]
    first, number = start, start
    while number < len(lines):
        line = lines[number].rstrip()
        content = line.lstrip()
        number += 1
        if not content:
            continue
        if _begins(content) or (_MODIFIED.match(content) and _column(line) > root_column):
            yield first, "".join(parts)
            end = _literal_end(lines, number - 1)
            parts, first = ["\n".join([line, *lines[number:end]])], number
            number = end
        elif _is_root(content):
            raise two_plans()
        elif "->  " in content and any(mark in content for mark in _FIGURES):
            raise InputError(f"line {number} has text before its node", "paste the plan without it")
        else:
            at_a_space = len(lines[number - 2]) < width and not line[:1].isspace()
            parts.append(f" {line}" if at_a_space else line)
    yield first, "".join(parts)


def _column(line: str) -> int:
    return len(line) - len(line.lstrip())


def _begins(content: str) -> bool:
    return _BEGINS.match(content) is not None


def _literal_end(lines: list[str], at: int) -> int:
    """The number of the line after the one where a literal that is left open on line `at` is closed."""
    quote = _open_quote(lines[at], "") if "'" in lines[at] else ""
    if quote != "'":
        return at + 1
    for number in range(at + 1, min(len(lines), at + _LITERAL_LINES)):
        quote = _open_quote(lines[number], quote)
        if not quote:
            return number + 1
    return at + 1


def _open_quote(line: str, quote: str) -> str:
    """The quote that is open at the end of a line: a literal's, an identifier's, or none."""
    for char in _QUOTES.findall(line):
        if not quote:
            quote = char
        elif char == quote:
            quote = ""
    return quote


def _is_root(content: str) -> bool:
    return is_operation(content) and (
        any(mark in content for mark in _FIGURES) or is_operation(content, whole=True)
    )


class _Reader:
    """The nodes that are open, by column, and the mapping that takes the properties that follow."""

    def __init__(self, root: str) -> None:
        self.document: dict[str, Any] = {}
        self.root_column = _column(root)
        self.stack: list[tuple[int, dict[str, Any]]] = []
        self.first: dict[int, dict[str, Any]] = {}  # by the identity of the parent: its first plain child
        self.header: tuple[int, str, str] | None = None
        self.node: dict[str, Any] = {}
        self.target: dict[str, Any] = self.document
        self.worker_column: int | None = None
        self.started = False

    def line(self, line: str, number: int) -> None:
        """Take one logical line."""
        content = line.strip()
        column = _column(line)
        if not self.started:
            self.started = True
            arrow = _ARROW.match(content)
            self._open(content[arrow.end() :] if arrow else content, column, number)
        elif arrow := _ARROW.match(content):
            self._child(content[arrow.end() :], column, number)
        elif (entry := _PROPERTY.match(content)) and not content.startswith(("Worker ", "Trigger ")):
            self._property(entry[1], content[entry.end() :], column)
        elif header := _HEADER.match(content):
            while len(self.stack) > 1 and self.stack[-1][0] >= column:
                self.stack.pop()
            self.header = (column, "SubPlan" if header[1] == "SubPlan" else "InitPlan", content)
        elif worker := _WORKER.match(content):
            self._worker(int(worker[1]), content[worker.end() :], column)
        elif _TRIGGER.match(content):
            self._trigger(content)
        elif modified := _MODIFIED.match(content):
            self.node.setdefault("Target Tables", []).append(target_table(modified[1]))

    def _open(self, content: str, column: int, number: int) -> dict[str, Any]:
        node = _node(content, number)
        if not self.stack:
            self.document["Plan"] = node
        self.stack.append((column, node))
        self.node = self.target = node
        self.worker_column = None
        return node

    def _child(self, content: str, column: int, number: int) -> None:
        while len(self.stack) > 1 and self.stack[-1][0] >= column:
            self.stack.pop()
        parent = self.stack[-1][1]
        node = self._open(content, column, number)
        children = parent.setdefault("Plans", [])
        if self.header is not None and self.header[0] < column:
            _, node["Parent Relationship"], node["Subplan Name"] = self.header
        else:
            node["Parent Relationship"] = _relationship(parent, self.first.get(id(parent)))
            self.first.setdefault(id(parent), node)
        self.header = None
        children.append(node)

    def _worker(self, number: int, rest: str, column: int) -> None:
        workers = self.node.setdefault("Workers", [])
        worker = next((w for w in reversed(workers) if w["Worker Number"] == number), None)
        if worker is None:
            worker = {"Worker Number": number}
            workers.append(worker)
        self.target, self.worker_column = worker, column
        if measured := _MEASURED.match(rest):
            worker.update(_actual(measured))
        elif entry := _PROPERTY.match(rest):
            properties.add(worker, entry[1], rest[entry.end() :])

    def _trigger(self, content: str) -> None:
        trigger = properties.trigger(content)
        if trigger:
            self.document.setdefault("Triggers", []).append(trigger)

    def _property(self, name: str, value: str, column: int) -> None:
        in_worker = self.worker_column is not None and column > self.worker_column
        if in_worker and name == "JIT":
            self.target = self.target.setdefault("JIT", {})
            return
        if name in _SUMMARY:
            self.document[_SUMMARY[name]] = properties.leading_number(value)
            self.target = self.document
            return
        if name in _SECTIONS and not in_worker:
            self._section(name, value)
            return
        if not in_worker and self.worker_column is not None:
            self.target, self.worker_column = self.node, None
        if column <= self.root_column and self.target is not self.node:
            self.target = self.document
        if name not in _BUILT:
            properties.add(self.target, name, value)

    def _section(self, name: str, value: str) -> None:
        self.worker_column = None
        if name == "Settings":
            self.document[name] = properties.settings(value)
            self.target = self.document
            return
        self.target = self.document.setdefault(name, {})
        if name == "Serialization":
            self.target.update(properties.serialization(value))


def _relationship(parent: dict[str, Any], first: dict[str, Any] | None) -> str:
    """How a node that is no InitPlan or SubPlan hangs below its parent, whose first such child is `first`."""
    kind = parent["Node Type"]
    if kind == "ModifyTable" and first is not None:
        first["Parent Relationship"] = (
            "Member"  # before version 14 each table of a tree had a plan of its own
        )
        return "Member"
    if kind in _MEMBERS:
        return "Member"
    if kind == "Subquery Scan":
        return "Subquery"
    return "Outer" if first is None else "Inner"


def _node(content: str, number: int) -> dict[str, Any]:
    """A node line as properties. Raises InputError where its figures break off."""
    cost_at = content.find("(cost=")
    starts = [cost_at] if cost_at >= 0 else [at for at in map(content.find, _FIGURES) if at >= 0]
    node = describe(content[: min(starts)].rstrip() if starts else content)
    if cost_at >= 0:
        cost = _COST.match(content, cost_at)
        if cost is None:
            raise _breaks_off(number)
        first, last, rows, width = cost.groups()
        node["Startup Cost"], node["Total Cost"] = _number(first), _number(last)
        node["Plan Rows"], node["Plan Width"] = _number(rows), _number(width)
    actual_at = content.find("(actual ", max(cost_at, 0))
    if actual_at >= 0:
        actual = _ACTUAL.match(content, actual_at)
        if actual is None:
            raise _breaks_off(number)
        node.update(_actual(actual))
    elif content.find("(never executed)", max(cost_at, 0)) >= 0:
        node.update({"Actual Rows": 0, "Actual Loops": 0})
    elif cost_at >= 0 and "(" in content[content.find(")", cost_at) :]:
        raise _breaks_off(number)
    return node


def _actual(found: re.Match[str]) -> dict[str, Any]:
    first, last, rows, loops = found.groups()
    figures: dict[str, Any] = {}
    if first is not None:
        figures = {"Actual Startup Time": _number(first), "Actual Total Time": _number(last)}
    return {**figures, "Actual Rows": _number(rows), "Actual Loops": _number(loops)}


def _number(text: str) -> float | int | str:
    return int(text) if text.isdigit() and len(text) < 20 else properties.decimal(text)


def _breaks_off(number: int) -> InputError:
    return InputError("the plan breaks off", f"the figures of the node on line {number} are not whole")
