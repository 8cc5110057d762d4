"""YAML for other programs: block style, with every scalar as JSON writes it, which YAML 1.2 takes as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

Value = str | int | float | bool | Mapping[str, "Value"] | Sequence["Value"]
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def dump(value: Value) -> str:
    """A document that ends with a newline. Texts of several lines become literal blocks."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Value) -> list[str]:
    if isinstance(value, Mapping):
        return [line for key, own in value.items() for line in _entry(f"{_key(key)}:", own)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        lines = []
        for own in value:
            first, *rest = _lines(own)
            lines += [f"- {first}", *(f"  {line}" for line in rest)]
        return lines
    return [json.dumps(value, ensure_ascii=False)]


def _entry(head: str, value: Value) -> list[str]:
    if isinstance(value, str) and "\n" in value and value == value.strip() and value.isascii():
        return [f"{head} |-", *(f"  {line}" for line in value.split("\n"))]
    if isinstance(value, Mapping | Sequence) and not isinstance(value, str):
        return [head, *(f"  {line}" for line in _lines(value))] if value else [f"{head} {json.dumps(value)}"]
    return [f"{head} {_lines(value)[0]}"]


def _key(text: str) -> str:
    return text if _BARE.match(text) else json.dumps(text)
