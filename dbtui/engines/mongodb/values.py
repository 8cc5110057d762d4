"""BSON values as text: MongoDB's relaxed Extended JSON, never longer than asked for.

A document may have 16 MB and an array a million numbers, so the text is made piece by piece and breaks off with
an ellipsis; what was not reached costs nothing.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef

WHOLE = 20_000_000  # characters: more than any one document has
CELL = 20_000  # characters of one cell of a result
MOST_LEVELS = 220  # servers take 100 levels; deeper ones end in an ellipsis
_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "bool"),
    (Int64, "long"),
    (int, "int"),
    (float, "double"),
    (str, "string"),
    (ObjectId, "objectId"),
    ((datetime, DatetimeMS), "date"),
    (Decimal128, "decimal"),
    (Mapping, "object"),
    ((list, tuple), "array"),
    ((Regex, re.Pattern), "regex"),
    (Timestamp, "timestamp"),
    (Code, "javascript"),
    (UUID, "uuid"),
    ((Binary, bytes), "binData"),
    (MinKey, "minKey"),
    (MaxKey, "maxKey"),
    (DBRef, "dbRef"),
)
NUMBERS = frozenset({"int", "long", "double", "decimal"})


def type_of(value: object) -> str:
    """The name that $type knows a value's BSON type by."""
    if value is None:
        return "null"
    if isinstance(value, Binary) and value.subtype in (3, 4):
        return "uuid"
    if isinstance(value, Code):
        return "javascript"
    return next((name for kinds, name in _TYPES if isinstance(value, kinds)), type(value).__name__)


def cell(value: object) -> str | None:
    """A value for one cell: texts, numbers and dates bare, the rest as Extended JSON; None for null.

    An empty text is shown as two quotes, since an empty cell is a field that the document does not have.
    """
    if value is None:
        return None
    if isinstance(value, str) and not isinstance(value, Code):
        return value or '""' if len(value) <= CELL else f"{value[:CELL]}… ({len(value):,} characters)"
    if isinstance(value, ObjectId | Decimal128 | UUID):
        return str(value)
    if isinstance(value, datetime | DatetimeMS):
        return _date(value)
    if isinstance(value, Binary | bytes):
        return _binary(value)
    return text(value, CELL)


def text(value: object, limit: int = WHOLE) -> str:
    """A value as relaxed Extended JSON on one line, cut at `limit` characters with an ellipsis."""
    pieces: list[str] = []
    size = 0
    for piece in _pieces(value):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            return "".join(pieces)[:limit] + "…"
    return "".join(pieces)


def pretty(value: object, indent: int = 2) -> str:
    """A small value as Extended JSON over several lines."""
    whole = text(value)
    try:
        return json.dumps(json.loads(whole), indent=indent, ensure_ascii=False)
    except ValueError:  # deeper than `_pieces` goes
        return whole


def _pieces(value: object) -> Iterator[str]:
    """The text in pieces, without recursion: documents may be nested deeper than Python's stack is used to."""
    stack: list[Iterator[tuple[str, object]]] = [iter([("", value)])]
    closers: list[str] = [""]
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
            yield closers.pop()
            continue
        before, one = found
        yield before
        if isinstance(one, Mapping | list | tuple):
            opener, closer, inner = _opened(one)
            if len(stack) > MOST_LEVELS:
                yield f"{opener}…{closer}"
                continue
            yield opener
            stack.append(inner)
            closers.append(closer)
        else:
            yield _scalar(one)


def _opened(
    value: Mapping[str, Any] | list[Any] | tuple[Any, ...],
) -> tuple[str, str, Iterator[tuple[str, object]]]:
    if isinstance(value, Mapping):
        return "{", "}", _members(value)
    return "[", "]", ((", " if index else "", item) for index, item in enumerate(value))


def _members(value: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for index, (key, item) in enumerate(value.items()):
        yield f"{', ' if index else ''}{_quoted(str(key))}: ", item


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Code):
        return f'{{"$code": {_quoted(str(value))}}}'
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f'{{"$numberDouble": "{_infinity(value)}"}}'
    return _wrapped(value)


def _wrapped(value: object) -> str:
    if isinstance(value, Binary | bytes):
        return _base64(value)
    for kind, made in _WRAPPED:
        if isinstance(value, kind):
            return made(value)
    return _quoted(str(value))


def _base64(value: Binary | bytes) -> str:
    subtype = value.subtype if isinstance(value, Binary) else 0
    if subtype == 4 and len(value) == 16:
        return f'{{"$uuid": "{UUID(bytes=bytes(value))}"}}'
    encoded = base64.b64encode(value).decode("ascii")
    return f'{{"$binary": {{"base64": "{encoded}", "subType": "{subtype:02x}"}}}}'


def _expression(value: Any) -> str:
    inner = f'"pattern": {_quoted(_pattern(value))}, "options": "{_flags(value)}"'
    return f'{{"$regularExpression": {{{inner}}}}}'


_WRAPPED: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (ObjectId, lambda value: f'{{"$oid": "{value}"}}'),
    (DatetimeMS, lambda value: f'{{"$date": {{"$numberLong": "{int(value)}"}}}}'),
    (datetime, lambda value: f'{{"$date": {_quoted(_date(value))}}}'),
    (Decimal128, lambda value: f'{{"$numberDecimal": "{value}"}}'),
    (UUID, lambda value: f'{{"$uuid": "{value}"}}'),
    (Timestamp, lambda value: f'{{"$timestamp": {{"t": {value.time}, "i": {value.inc}}}}}'),
    (Regex | re.Pattern, _expression),
    (MinKey, lambda value: '{"$minKey": 1}'),
    (MaxKey, lambda value: '{"$maxKey": 1}'),
    (DBRef, lambda value: text(value.as_doc(), CELL)),
)


def _infinity(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _date(value: datetime | DatetimeMS) -> str:
    if isinstance(value, DatetimeMS):  # a year that Python's dates do not have
        return f"{int(value)} ms since 1970"
    moment = value if value.tzinfo is None else value.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _binary(value: Binary | bytes) -> str:
    subtype = value.subtype if isinstance(value, Binary) else 0
    if subtype == 4 and len(value) == 16:
        return str(UUID(bytes=bytes(value)))
    shown = bytes(value[:64]).hex()
    return f"\\x{shown}" if len(value) <= 64 else f"\\x{shown}… ({len(value):,} bytes)"


def _pattern(value: Regex[Any] | re.Pattern[Any]) -> str:
    pattern = value.pattern
    return pattern.decode("utf-8", "replace") if isinstance(pattern, bytes) else str(pattern)


def _flags(value: Regex[Any] | re.Pattern[Any]) -> str:
    flags = (("i", re.I), ("m", re.M), ("s", re.S), ("x", re.X))
    return "".join(letter for letter, flag in flags if value.flags & flag)
