"""EXPLAIN (FORMAT JSON), auto_explain's JSON, and the ways in which tools wrap them."""

from __future__ import annotations

import json
from typing import Any

from dbtui.errors import InputError
from dbtui.plans.formats.postgres_document import too_deep
from dbtui.plans.formats.postgres_properties import decimal

_MAX_WRAPPINGS = 6


def recognise(text: str) -> bool:
    """Whether the text begins like JSON."""
    return text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[")


def read(text: str) -> object:
    """The document of the plan. A text result wrapped in JSON (rows, a log record) is returned as a str.

    Raises InputError on what is not JSON, holds several plans, or is nested too deeply.
    """
    value, rest = load(text)
    if recognise(rest):
        raise two_plans()
    for _ in range(_MAX_WRAPPINGS):
        if isinstance(value, dict):
            if isinstance(value.get("Plan"), dict):
                return value
            if "Node Type" in value:
                return {"Plan": value}
        value = _unwrapped(value)
        if isinstance(value, str):
            if not recognise(value):
                return value
            value, _rest = load(value)
    raise _no_plan()


def load(text: str) -> tuple[Any, str]:
    """The first JSON value of a text, and what follows it. Raises InputError."""
    start = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) - 1:
            raise InputError(
                "the plan breaks off", f"the JSON ends in the middle, on line {error.lineno}"
            ) from None
        raise InputError(f"line {error.lineno} of the plan is not JSON", error.msg) from None
    except RecursionError:
        raise too_deep() from None
    except ValueError:  # an integer of thousands of digits
        raise InputError("the plan holds a number that is out of range") from None
    return value, text[end:].lstrip(" \t\r\n;")


def two_plans() -> InputError:
    """The error for a text with several plans."""
    return InputError("the text holds more than one plan", "give one plan at a time")


def _no_plan() -> InputError:
    return InputError("this JSON is not a plan of PostgreSQL", "it has no Plan with a Node Type")


def _unwrapped(value: object) -> object:
    if isinstance(value, list) and value and all(_is_plan(item) for item in value) and len(value) > 1:
        raise two_plans()
    if isinstance(value, list) and len(value) == 1:
        return value[0]
    if isinstance(value, list) and value and all(isinstance(row, dict) and len(row) == 1 for row in value):
        lines = [next(iter(row.values())) for row in value]
        if all(isinstance(line, str) for line in lines):
            return "\n".join(lines)
    if isinstance(value, dict) and isinstance(value.get("message"), str):  # a record of jsonlog
        return value["message"]
    if isinstance(value, dict) and len(value) == 1:
        return next(iter(value.values()))
    raise _no_plan()


def _is_plan(value: object) -> bool:
    return isinstance(value, dict) and ("Plan" in value or "Node Type" in value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Before version 13, VERBOSE wrote the key Workers twice into one node: the details belong together."""
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    workers = [value for key, value in pairs if key == "Workers" and isinstance(value, list)]
    if len(workers) > 1:
        merged: dict[object, dict[str, Any]] = {}
        for worker in (w for group in workers for w in group if isinstance(w, dict)):
            merged.setdefault(repr(worker.get("Worker Number")), {}).update(worker)
        result["Workers"] = list(merged.values())
    return result


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=decimal, parse_constant=str)
