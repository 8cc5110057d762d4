"""Reaching into a document that may be of any shape: a server of another version answers otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def parsed(line: str) -> dict[str, Any] | None:
    """The JSON object of a text; None for everything else."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def listing(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; none for what is no list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def as_number(value: object) -> float:
    """A value as a number; 0 for what is none, a truth value among them."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def at(document: Mapping[str, Any], path: str) -> Any:
    """The value at a path of names divided by dots; None where there is none."""
    value: Any = document
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def number(document: Mapping[str, Any], path: str) -> float | None:
    """A number at a path of names divided by dots; None where there is none."""
    value = at(document, path)
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
