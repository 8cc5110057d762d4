"""EXPLAIN (FORMAT XML), read with expat; a document type is refused, so only XML's own entities exist."""

from __future__ import annotations

import math
import re
from typing import Any
from xml.parsers import expat

from dbtui.errors import InputError
from dbtui.plans.formats.postgres_document import LISTS, MAX_DEPTH, is_text, too_deep
from dbtui.plans.formats.postgres_json import two_plans

_NUMBER = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,5})?\Z")
_NAMES = {
    "One Time Filter": "One-Time Filter",
    "Full sort Groups": "Full-sort Groups",
    "Pre sorted Groups": "Pre-sorted Groups",
}
_START = re.compile(r"<explain[\s>]")


def recognise(text: str) -> bool:
    """Whether the text holds EXPLAIN's root element, or begins like XML."""
    return _START.search(text) is not None or text.lstrip("\ufeff \t\r\n").startswith(("<?xml", "<!DOCTYPE"))


def read(text: str) -> object:
    """The document of the plan. Raises InputError on a DOCTYPE, several plans, and broken or deep XML."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError("XML with a DOCTYPE is refused", "EXPLAIN writes none")
    starts = [found.start() for found in _START.finditer(text)]
    if len(starts) > 1:
        raise two_plans()
    end = text.rfind("</explain>")
    if not starts or end < starts[0]:
        raise InputError("the plan breaks off", "the XML has no whole <explain> element")
    builder = _Builder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    try:
        parser.Parse(text[starts[0] : end + 10].encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        line = error.lineno + text.count("\n", 0, starts[0])
        raise InputError(f"line {line} of the plan is not XML", expat.ErrorString(error.code)) from None
    return _document(builder.result)


def _document(result: Any) -> object:
    if isinstance(result, list):
        if len(result) > 1:
            raise two_plans()
        result = result[0] if result else None
    if isinstance(result, dict) and "Query" in result:
        if isinstance(result["Query"], list):
            raise two_plans()
        return result["Query"]
    return result


class _Element:
    """An element that is being read: its texts, and its children as name and value."""

    __slots__ = ("children", "name", "texts")

    def __init__(self, name: str) -> None:
        self.name = name
        self.texts: list[str] = []
        self.children: list[tuple[str, Any]] = []


class _Builder:
    """Turns expat's events into the document, without recursion."""

    def __init__(self) -> None:
        self.open: list[_Element] = []
        self.result: Any = None

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        if len(self.open) > 2 * MAX_DEPTH + 20:
            raise too_deep()
        inside_settings = bool(self.open) and self.open[-1].name == "Settings"
        self.open.append(_Element(tag if inside_settings else _key(tag)))

    def text(self, data: str) -> None:
        self.open[-1].texts.append(data)

    def end(self, _tag: str) -> None:
        element = self.open.pop()
        inside_settings = bool(self.open) and self.open[-1].name == "Settings"
        value = "".join(element.texts) if inside_settings else _value(element)
        if self.open:
            self.open[-1].children.append((element.name, value))
        else:
            self.result = value


def _key(tag: str) -> str:
    name = tag.replace("-", " ").replace("I O ", "I/O ")
    return _NAMES.get(name, name)


def _value(element: _Element) -> object:
    if element.name in LISTS:
        return [value for _, value in element.children]
    if not element.children and element.name in ("Group Key", "Hash Key"):
        return []  # the set of no columns
    if not element.children:
        return _scalar(element.name, "".join(element.texts))
    if all(name == "Item" for name, _ in element.children):
        return [value for _, value in element.children]
    result: dict[str, Any] = {}
    for name, value in element.children:
        if name in result:  # a repeated element: several statements in one document
            known = result[name]
            result[name] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            result[name] = value
    return result


def _scalar(name: str, text: str) -> object:
    if is_text(name):
        return text
    stripped = text.strip()
    if stripped in ("true", "false"):
        return stripped == "true"
    if _NUMBER.match(stripped):
        value = float(stripped) if any(c in stripped for c in ".eE") else int(stripped)
        return value if math.isfinite(value) else stripped
    return text if stripped else ""
