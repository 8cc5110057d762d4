"""Nouns of the model as plain JSON values, and back: for recordings, which are read as hostile input.

A dataclass is an object of the fields that differ from their defaults; a tuple of one dataclass is a table,
`{"fields": […], "rows": [[…]]}`, which is small and quick to write. What a reader does not know it leaves out.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from dbtui.errors import InputError

T = TypeVar("T")
Plain = (
    Any  # what the json module writes: None, bool, int, float, str, and lists, tuples and objects of these
)

MOST_ROWS = 200_000  # of one table that is read
_SCALARS = (str, int, float, bool, types.NoneType)


def freeze(value: object) -> Plain:
    """A noun as a plain value; what is plain already stays as it is."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, Mapping):
        return {str(key): freeze(one) for key, one in value.items()}
    if isinstance(value, tuple):
        if value and dataclasses.is_dataclass(value[0]):
            return table(value)
        return [freeze(one) for one in value]
    if isinstance(value, frozenset):
        return sorted(map(freeze, value))
    kind: Any = type(value)
    fields = _fields(kind)
    return {name: freeze(own) for name, default in fields.items() if (own := getattr(value, name)) != default}


def table(nouns: Sequence[object], without: frozenset[str] = frozenset()) -> Plain:
    """Nouns of one kind as a table, perhaps without some of their fields."""
    if not nouns:
        return {"fields": [], "rows": []}
    kind: Any = type(nouns[0])
    names = [name for name in _fields(kind) if name not in without]
    if len(names) < 2:
        return {"fields": names, "rows": [[freeze(getattr(noun, name)) for name in names] for noun in nouns]}
    read = attrgetter(*names)
    rows: list[Any] = [read(noun) for noun in nouns]
    if not _is_flat(kind, without):
        rows = [[freeze(own) for own in row] for row in rows]
    return {"fields": names, "rows": rows}


_NONE_SUCH = object()


@cache
def _fields(kind: Any) -> dict[str, object]:
    """The fields of a dataclass with their defaults, where these can be compared."""
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is no noun")
    return {
        field.name: _NONE_SUCH if field.default is dataclasses.MISSING else field.default
        for field in dataclasses.fields(kind)
    }


@cache
def _is_flat(kind: Any, without: frozenset[str]) -> bool:
    """Whether the fields hold nothing but what the json module writes by itself."""
    hints = get_type_hints(kind)
    return all(_plain_type(hints[name]) for name in _fields(kind) if name not in without)


def _plain_type(hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return all(map(_plain_type, get_args(hint)))
    if origin is tuple:
        return all(_plain_type(part) for part in get_args(hint) if part is not ...)
    return hint in _SCALARS or origin is Literal or (isinstance(hint, type) and issubclass(hint, StrEnum))


def thaw(kind: type[T], data: Plain) -> T:
    """A noun of `kind` from a plain value. Raises InputError for what is none."""
    try:
        wanted: Any = kind
        made: T = _reader(wanted)(data)
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        raise InputError(f"this is no {getattr(kind, '__name__', kind)}: {error}") from error
    return made


@cache
def _reader(hint: Any) -> Callable[[Plain], Any]:
    """What reads a value of one type; each raises TypeError or ValueError for another."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return lambda data: data
    if origin in (Union, types.UnionType):
        return _optional([part for part in arguments if part is not types.NoneType], hint)
    if origin is tuple:
        return _tuple(arguments)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(*arguments)
    if origin is Literal:
        return _one_of(arguments)
    if hint is float:
        return _number
    if hint in (str, int, bool):
        return _scalar(hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    return _noun(origin or hint, arguments)


def _optional(kinds: Sequence[Any], hint: Any) -> Callable[[Plain], Any]:
    readers = [_reader(kind) for kind in kinds]
    empty = types.NoneType in get_args(hint)

    def read(data: Plain) -> Any:
        if data is None and empty:
            return None
        for reader in readers[:-1]:
            try:
                return reader(data)
            except (TypeError, ValueError):
                continue
        return readers[-1](data)

    return read


def _tuple(arguments: tuple[Any, ...]) -> Callable[[Plain], Any]:
    if len(arguments) == 2 and arguments[1] is ...:
        each = _reader(arguments[0])
        columns = _rows(arguments[0]) if dataclasses.is_dataclass(arguments[0]) else None

        def read(data: Plain) -> Any:
            if columns is not None and isinstance(data, dict):
                return columns(data)
            return tuple(each(one) for one in _list(data))

        return read
    readers = [_reader(part) for part in arguments]
    return lambda data: tuple(reader(one) for reader, one in zip(readers, _list(data), strict=True))


def _rows(kind: Any) -> Callable[[Plain], Any]:
    """What reads a table of one kind of noun."""
    hints = get_type_hints(kind)
    empty = _left_empty(kind, hints)

    def read(data: Plain) -> Any:
        names = [str(name) for name in _list(data.get("fields", []))]
        known = [(name, index, _reader(hints[name])) for index, name in enumerate(names) if name in hints]
        rows = _list(data.get("rows", []))
        return tuple(
            kind(**(empty | {name: reader(row[index]) for name, index, reader in known}))
            for row in map(_list, rows)
        )

    return read


def _list(data: Plain) -> Sequence[Any]:
    if not isinstance(data, list | tuple) or len(data) > MOST_ROWS:
        raise TypeError("a list is missing or too long")
    return data


def _mapping(_key: Any, value: Any) -> Callable[[Plain], Any]:
    each = _reader(value)

    def read(data: Plain) -> Any:
        if not isinstance(data, dict) or len(data) > MOST_ROWS:
            raise TypeError("an object is missing or too large")
        return {key: each(one) for key, one in data.items()}

    return read


def _one_of(allowed: Sequence[Any]) -> Callable[[Plain], Any]:
    def read(data: Plain) -> Any:
        if data not in allowed:
            raise ValueError(f"{str(data)[:40]!r} is none of {allowed}")
        return data

    return read


def _number(data: Plain) -> float:
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise TypeError("a number is missing")
    return float(data)


def _scalar(kind: type) -> Callable[[Plain], Any]:
    def read(data: Plain) -> Any:
        if type(data) is not kind:
            raise TypeError(f"{type(data).__name__} where {kind.__name__} should be")
        return data

    return read


def _noun(kind: Any, arguments: tuple[Any, ...]) -> Callable[[Plain], Any]:
    hints = get_type_hints(kind)
    if arguments:  # a generic noun: its type variable is what it is made for
        hints = {
            name: _bound(hint, dict(zip(kind.__parameters__, arguments, strict=True)))
            for name, hint in hints.items()
        }
    names = tuple(_fields(kind))
    empty = _left_empty(kind, hints)

    def read(data: Plain) -> Any:
        if not isinstance(data, dict):
            raise TypeError(f"{kind.__name__} is no object")
        return kind(**(empty | {name: _reader(hints[name])(data[name]) for name in names if name in data}))

    return read


def _left_empty(kind: Any, hints: Mapping[str, Any]) -> dict[str, None]:
    """Fields without a default that may be None: so they are where a recording does not tell them."""
    return {
        name: None
        for name, default in _fields(kind).items()
        if default is _NONE_SUCH and types.NoneType in get_args(hints[name])
    }


def _bound(hint: Any, given: Mapping[Any, Any]) -> Any:
    if hint in given:
        return given[hint]
    parts = get_args(hint)
    if get_origin(hint) in (Union, types.UnionType) and any(part in given for part in parts):
        return Union[tuple(given.get(part, part) for part in parts)]  # noqa: UP007 - its parts are not known here
    return hint
