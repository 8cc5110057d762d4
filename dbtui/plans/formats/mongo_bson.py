"""The constants in DocumentDB's plans: BSON in hexadecimal digits, as something that people can read.

A small reader of BSON (bsonspec.org, version 1.1), for display: what it cannot read stays as it was.
"""

from __future__ import annotations

import json
import re
import struct
from datetime import UTC, datetime, timedelta

_CONSTANT = re.compile(r"'BSONHEX((?:[0-9a-fA-F]{2})+)'::documentdb_core\.bson(?:query|sequence)?")
_OPERATORS = {"@=": "=", "@>": ">", "@>=": ">=", "@<": "<", "@<=": "<=", "@!=": "!="}
_OPERATOR = re.compile(r"OPERATOR\(documentdb_api_(?:catalog|internal)\.([^()\s]+)\)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_LEVELS = 60
_LONGEST = 2_000  # bytes of a constant that is read


def readable(text: str) -> str:
    """A condition of a plan with its constants and operators written out."""
    text = _CONSTANT.sub(_constant, text)
    return _OPERATOR.sub(lambda match: _OPERATORS.get(match[1], match[1]), text)


def _constant(match: re.Match[str]) -> str:
    data = bytes.fromhex(match[1])
    if len(data) > _LONGEST:
        return match[0]
    try:
        shown, end = _document(data, 0, 0, array=False)
    except (ValueError, struct.error, IndexError, OverflowError):
        return match[0]
    return shown if end == len(data) else match[0]


def _document(data: bytes, at: int, depth: int, *, array: bool) -> tuple[str, int]:
    """A document's text and where it ends. Raises ValueError, struct.error, IndexError on what is none."""
    (size,) = struct.unpack_from("<i", data, at)
    end = at + size
    if depth > _MOST_LEVELS or size < 5 or end > len(data) or data[end - 1]:
        raise ValueError("no document")
    at += 4
    parts: list[str] = []
    while data[at]:
        kind = data[at]
        stop = data.index(0, at + 1)
        name = data[at + 1 : stop].decode("utf-8", "replace")
        value, at = _value(data, kind, stop + 1, depth)
        parts.append(value if array else f"{json.dumps(name, ensure_ascii=False)}: {value}")
        if at >= end:
            raise ValueError("a value that is too long")
    inner = ", ".join(parts)
    return (f"[{inner}]" if array else f"{{{inner}}}"), end


def _value(data: bytes, kind: int, at: int, depth: int) -> tuple[str, int]:
    if kind in (0x03, 0x04):
        return _document(data, at, depth + 1, array=kind == 0x04)
    if kind in (0x02, 0x0D, 0x0E):
        (size,) = struct.unpack_from("<i", data, at)
        text = _slice(data, at + 4, size)[:-1].decode("utf-8", "replace")
        return json.dumps(text, ensure_ascii=False), at + 4 + size
    if kind == 0x05:
        (size,) = struct.unpack_from("<i", data, at)
        return f'"\\x{_slice(data, at + 5, size).hex()}"', at + 5 + size
    if kind == 0x0B:
        middle = data.index(0, at)
        end = data.index(0, middle + 1)
        pattern, flags = (
            data[at:middle].decode("utf-8", "replace"),
            data[middle + 1 : end].decode("ascii", "replace"),
        )
        return f"/{pattern}/{flags}", end + 1
    if kind in _EMPTY:
        return _EMPTY[kind], at
    return _fixed(data, kind, at)


_EMPTY = {0x06: "undefined", 0x0A: "null", 0x7F: "MaxKey", 0xFF: "MinKey"}


def _fixed(data: bytes, kind: int, at: int) -> tuple[str, int]:
    if kind == 0x01:
        return repr(struct.unpack_from("<d", data, at)[0]), at + 8
    if kind == 0x07:
        return f'ObjectId("{_slice(data, at, 12).hex()}")', at + 12
    if kind == 0x08:
        return "true" if data[at] else "false", at + 1
    if kind == 0x09:
        (milliseconds,) = struct.unpack_from("<q", data, at)
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
        return f'ISODate("{moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}")', at + 8
    if kind == 0x10:
        return str(struct.unpack_from("<i", data, at)[0]), at + 4
    if kind in (0x11, 0x12):
        return str(struct.unpack_from("<q", data, at)[0]), at + 8
    if kind == 0x13:
        return f'"decimal {_slice(data, at, 16).hex()}"', at + 16
    raise ValueError("an unknown type")


def _slice(data: bytes, at: int, size: int) -> bytes:
    if size < 0 or at + size > len(data):
        raise ValueError("a value that is too long")
    return data[at : at + size]
