"""EXPLAIN (FORMAT YAML): the small part of YAML that the server writes, read line by line.

The server writes block mappings and block lists by indentation; scalars are JSON texts, numbers, true or
false; the only flow form is a list of texts in brackets. Anchors, tags and multi-line scalars are refused.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from dbtui.errors import InputError
from dbtui.plans.formats.postgres_document import LISTS, MAX_DEPTH, too_deep
from dbtui.plans.formats.postgres_json import two_plans

_START = re.compile(r"(?:\A|\n) {0,80}(?:- )?(?:Plan|Query Text):(?: |\n|$)")
_KEY = re.compile(r'([^\s":\[\]{}&*!|>%@`#-][^":]{0,99}):(?: +|$)')
_NUMBER = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,5})?\Z")
_WORDS = {"true": True, "false": False, "null": None, "": None}

Container = dict[str, Any] | list[Any]


def recognise(text: str) -> bool:
    """Whether a line of the text begins a plan as YAML writes it."""
    return "Node Type:" in text and _START.search(text) is not None


def read(text: str) -> object:
    """The document of the plan. Raises InputError on several plans and on YAML that EXPLAIN never writes."""
    found = _START.search(text)
    start = 0 if found is None else found.start()
    documents: list[Any] = []
    root: Container | None = None
    open_blocks: list[_Block] = []
    for number, line in enumerate(text[start:].strip("\n").split("\n"), text.count("\n", 0, start) + 1):
        content = line.strip(" \r")
        if not content or content in ("---", "...") or content[0] == "#":
            continue
        if root is None:
            root = documents if content.startswith("- ") else {}
            open_blocks.append(_Block(len(line) - len(line.lstrip(" ")), root))
        _line(line.rstrip(" \r"), number, open_blocks)
    if isinstance(root, list):
        if len(root) > 1:
            raise two_plans()
        return root[0] if root else None
    return root


class _Block:
    """A mapping or list that is being filled; `key` is the entry that waits for a value of its own lines."""

    __slots__ = ("column", "key", "value")

    def __init__(self, column: int, value: Container | None) -> None:
        self.column = column
        self.value = value
        self.key = ""


def _line(line: str, number: int, blocks: list[_Block]) -> None:
    content = line.lstrip(" ")
    column = len(line) - len(content)
    _close(column, blocks, number)
    while content == "-" or content.startswith("- "):
        target = _container(column, blocks, [], number)
        if not isinstance(target, list):
            raise _refused(number)
        rest = content[1:].lstrip(" ")
        step = len(content) - len(rest)
        if not rest or not (rest.startswith("- ") or _KEY.match(rest)):
            target.append(_scalar(rest, number))
            return
        item: Container = [] if rest.startswith("- ") else {}
        target.append(item)
        column += step
        blocks.append(_Block(column, item))
        content = rest
    entry = _KEY.match(content)
    target = _container(column, blocks, {}, number)
    if entry is None or not isinstance(target, dict):
        raise _refused(number)
    key, rest = entry[1], content[entry.end() :]
    if key == "Plan" and key in target:
        raise two_plans()
    blocks[-1].key = ""
    if rest:
        target[key] = _scalar(rest, number)
        return
    target[key] = [] if key in LISTS else None
    blocks[-1].key = key
    if len(blocks) > 2 * MAX_DEPTH + 20:
        raise too_deep()


def _close(column: int, blocks: list[_Block], number: int) -> None:
    while blocks and blocks[-1].column > column:
        blocks.pop()
    if not blocks:
        raise _refused(number)


def _container(column: int, blocks: list[_Block], empty: Container, number: int) -> Container | None:
    """The container of this column, opened under the waiting key of the block above where there is none yet.

    Other writers than EXPLAIN put the items of a list in the column of its key.
    """
    if isinstance(empty, dict) and len(blocks) > 1 and blocks[-2].column == column == blocks[-1].column:
        blocks.pop()
    top = blocks[-1]
    if top.column == column and not (isinstance(empty, list) and isinstance(top.value, dict) and top.key):
        return top.value
    if not top.key or not isinstance(top.value, dict):
        raise _refused(number)
    top.value[top.key] = empty
    top.key = ""
    blocks.append(_Block(column, empty))
    return empty


def _scalar(text: str, number: int) -> object:
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.match(text):
        value = float(text) if any(c in text for c in ".eE") else int(text)
        return value if math.isfinite(value) else text
    if text[0] in '"[':
        try:
            value = json.loads(text, parse_constant=str)
        except (ValueError, RecursionError):
            raise _refused(number) from None
        if isinstance(value, str) or (
            isinstance(value, list) and all(isinstance(item, str) for item in value)
        ):
            return value
        raise _refused(number)
    if text[0] == "'" and len(text) > 1 and text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if text[0] in "&*!|>%@`{'":
        raise _refused(number)
    return text


def _refused(number: int) -> InputError:
    return InputError(f"line {number} of the plan is not YAML as EXPLAIN writes it")
