"""The answer of a command as rows: what columns it has follows from the command, or from its shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dbtui.engines.redis import words
from dbtui.engines.redis.info import clients
from dbtui.engines.redis.read_only import name_of
from dbtui.model.result import ResultColumn

Row = tuple[str | None, ...]
Table = tuple[tuple[ResultColumn, ...], list[Row]]

_LINES = frozenset(
    {
        "memory|doctor",
        "latency|doctor",
        "latency|graph",
        "lolwut",
        "cluster|nodes",
        "memory|malloc-stats",
        "acl|list",
    }
)
_NAMES: Mapping[str, tuple[str, ...]] = {
    "slowlog|get": ("id", "at", "µs", "command", "client", "name"),
    "commandlog|get": ("id", "at", "cost", "command", "client", "name"),
    "latency|latest": ("event", "at", "latest ms", "max ms", "sum ms", "events"),
    "latency|history": ("at", "ms"),
    "xrange": ("id", "fields"),
    "xrevrange": ("id", "fields"),
    "command|info": (
        "name",
        "arity",
        "flags",
        "first key",
        "last key",
        "step",
        "categories",
        "tips",
        "keys",
        "parts",
    ),
    "module|list": ("name", "version"),
}
_SCORED = frozenset(
    {"zrange", "zrevrange", "zrangebyscore", "zrevrangebyscore", "zunion", "zinter", "zdiff", "zrandmember"}
)
_SCANS: Mapping[str, tuple[str, ...]] = {
    "scan": ("key",),
    "sscan": ("member",),
    "hscan": ("field", "value"),
    "zscan": ("member", "score"),
}
_PAIRS: Mapping[str, tuple[str, str]] = {"hgetall": ("field", "value"), "config|get": ("parameter", "value")}


def table(command: Sequence[bytes], answer: Any) -> Table:
    """Columns and rows of an answer. Missing values are None; bytes that are no text are escaped."""
    name = name_of(command)
    if name in _SCANS and isinstance(answer, list) and len(answer) == 2 and isinstance(answer[1], list):
        return _scan(_SCANS[name], answer)
    if isinstance(answer, bytes):
        if name == "info":
            return _info(answer)
        if name in ("client|list", "client|info"):
            return _clients(answer)
        if name in _LINES or name == "cluster|info":
            return columns("line"), [(line,) for line in words.value(answer).splitlines()]
    if isinstance(answer, dict):
        return columns(*_PAIRS.get(name, ("field", "value"))), [(cell(k), cell(v)) for k, v in answer.items()]
    if isinstance(answer, list):
        return _list(name, answer)
    return columns("value", answer=answer), [(cell(answer),)]


def columns(*names: str, answer: Any = None) -> tuple[ResultColumn, ...]:
    """Columns by name; numbers stand at the right where `answer` is one."""
    number = isinstance(answer, int | float) and not isinstance(answer, bool)
    return tuple(ResultColumn(name, "", number) for name in names)


def cell(value: Any) -> str | None:
    """One value as the text of a cell; what has parts is written on one line."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return words.value(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, BaseException):
        return f"(error) {value}"
    if isinstance(value, dict):
        return " ".join(f"{_part(k)}={_part(v)}" for k, v in value.items())
    if isinstance(value, list):
        return " ".join(_part(each) for each in value)
    return str(value)


def _part(value: Any) -> str:
    if isinstance(value, bytes):
        return words.argument(value)
    if isinstance(value, list | dict):
        return f"[{cell(value)}]" if isinstance(value, list) else f"{{{cell(value)}}}"
    return "(nil)" if value is None else cell(value) or '""'


def _list(name: str, answer: list[Any]) -> Table:
    if not answer:
        return columns("value"), []
    if all(isinstance(each, dict) for each in answer):
        return _records(answer)
    if name == "hgetall":
        return columns("field", "value"), [
            (cell(f), cell(v)) for f, v in zip(answer[::2], answer[1::2], strict=False)
        ]
    if all(isinstance(each, list) and each for each in answer):
        width = max(map(len, answer))
        named = ("member", "score") if name in _SCORED and width == 2 else _NAMES.get(name, ())
        names = (*named[:width], *(f"{n + 1}" for n in range(len(named[:width]), width)))
        return columns(*names), [(*map(cell, each), *([None] * (width - len(each)))) for each in answer]
    return (
        (ResultColumn("#", "", True), ResultColumn("value", "", False)),
        [(str(number), cell(each)) for number, each in enumerate(answer, 1)],
    )


def _records(answer: list[dict[Any, Any]]) -> Table:
    """Several maps: a column for each name that occurs."""
    names = list(dict.fromkeys(name for each in answer for name in each))
    return columns(*(cell(name) or "" for name in names)), [
        tuple(cell(each.get(n)) for n in names) for each in answer
    ]


def _scan(names: tuple[str, ...], answer: list[Any]) -> Table:
    """What one step of a scan found, and where the next one begins: 0 is the end."""
    cursor, found = cell(answer[0]), answer[1]
    rows: list[Row] = [
        (cursor, *map(cell, found[at : at + len(names)])) for at in range(0, len(found), len(names))
    ]
    return columns("next cursor", *names), rows or [(cursor, *([None] * len(names)))]


def _info(answer: bytes) -> Table:
    rows: list[Row] = []
    section = ""
    for line in words.value(answer).splitlines():
        name, colon, value = line.partition(":")
        if line.startswith("#"):
            section = line.strip("# ")
        elif colon:
            rows.append((section, name, value))
    return columns("section", "name", "value"), rows


def _clients(answer: bytes) -> Table:
    found = list(clients(answer))
    names = list(dict.fromkeys(name for each in found for name in each))
    return columns(*names), [tuple(each.get(name) for name in names) for each in found]
