"""What a key holds, by pages: a command for each type that reads a part and stops nobody.

A page begins at an `At`: a position for strings, lists and sorted sets, a cursor for hashes and sets, the ID of the
last entry for streams. Hashes and sets that change meanwhile may show an element twice, as SCAN does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbtui.engines.redis.reply import Row, cell, columns
from dbtui.engines.redis.session import Connection
from dbtui.engines.redis.words import argument, quoted, value
from dbtui.errors import QueryError
from dbtui.model.result import ResultColumn

At = bytes | int | None  # None is the end
CHUNK = 64 * 1024  # bytes of a string in one page
_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Part:
    """Some elements of a value, and where the next ones begin."""

    columns: tuple[ResultColumn, ...]
    rows: tuple[Row, ...]
    next: At


@dataclass(frozen=True, slots=True)
class Reader:
    """How a type is read: `command` asks for a page, `part` reads the answer."""

    size: str  # the command that counts the elements
    noun: str
    command: Callable[[bytes, At, int], Sequence[bytes | str | int]]
    part: Callable[[Any, At, int], Part]
    whole: str  # what one would type to read all


async def part(connection: Connection, key: bytes, kind: str, at: At, count: int) -> Part:
    """Up to about `count` elements from `at` on (0 is the begin). Raises QueryError for a type that is not known."""
    reader = READERS.get(kind)
    if reader is None:
        raise QueryError(f"values of type {kind} are not shown", "its module has commands that read it")
    answer = await connection.ask(*reader.command(key, at, count), timeout=_TIMEOUT)
    return reader.part(answer, at, count)


def _position(at: At) -> int:
    return at if isinstance(at, int) else 0


def _string(answer: Any, at: At, count: int) -> Part:
    """Text by lines; other bytes sixteen a row, with their position before them."""
    raw, start = bytes(answer or b""), _position(at)
    more = len(raw) == CHUNK
    text, used = _text(raw, more=more)
    following = start + used if more else None
    if text is not None:
        return Part(columns("value"), tuple((line,) for line in text.split("\n")), following)
    rows = tuple((f"{start + n:#08x}", quoted(raw[n : n + 16])) for n in range(0, len(raw), 16))
    return Part(columns("position", "bytes"), rows, following)


def _text(raw: bytes, *, more: bool) -> tuple[str | None, int]:
    """The text in some bytes and how many it took; the last character may be cut off where there is more."""
    for used in range(len(raw), max(0, len(raw) - 4) if more else len(raw) - 1, -1):
        try:
            return raw[:used].decode(), used
        except UnicodeDecodeError:
            continue
    return None, len(raw)


def _list(answer: Any, at: At, count: int) -> Part:
    start = _position(at)
    rows = tuple((str(number), cell(each)) for number, each in enumerate(answer, start))
    numbered = (ResultColumn("#", "", True), *columns("value"))
    return Part(numbered, rows, start + len(rows) if len(rows) >= count else None)


def _sorted(answer: Any, at: At, count: int) -> Part:
    start = _position(at)
    pairs = (
        answer
        if answer and isinstance(answer[0], list)
        else list(zip(answer[::2], answer[1::2], strict=False))
    )
    rows = tuple(
        (str(number), cell(member), cell(score)) for number, (member, score) in enumerate(pairs, start)
    )
    ranked = (ResultColumn("#", "", True), *columns("member"), ResultColumn("score", "", True))
    return Part(ranked, rows, start + len(rows) if len(rows) >= count else None)


def _hash(answer: Any, at: At, count: int) -> Part:
    cursor, found = answer
    rows = tuple((cell(f), cell(v)) for f, v in zip(found[::2], found[1::2], strict=False))
    return Part(columns("field", "value"), rows, None if cursor == b"0" else cursor)


def _set(answer: Any, at: At, count: int) -> Part:
    cursor, found = answer
    return Part(columns("member"), tuple((cell(each),) for each in found), None if cursor == b"0" else cursor)


def _stream(answer: Any, at: At, count: int) -> Part:
    rows = tuple((cell(entry[0]), _fields(entry[1])) for entry in answer)
    following = b"(" + answer[-1][0] if len(answer) >= count else None
    return Part(columns("id", "fields"), rows, following)


def _fields(found: Any) -> str:
    if found is None:
        return "(deleted)"
    return " ".join(f"{argument(f)}={argument(v)}" for f, v in zip(found[::2], found[1::2], strict=False))


def _json(answer: Any, at: At, count: int) -> Part:
    text = value(answer) if isinstance(answer, bytes) else cell(answer) or ""
    return Part(columns("json"), tuple((line,) for line in text.split("\n")), None)


def _from(at: At, count: int) -> tuple[int, int]:
    start = _position(at)
    return start, start + count - 1


READERS: Mapping[str, Reader] = {
    "string": Reader(
        "STRLEN", "bytes", lambda k, at, n: ("GETRANGE", k, _position(at), _position(at) + CHUNK - 1), _string, "GET"
    ),
    "list": Reader("LLEN", "elements", lambda k, at, n: ("LRANGE", k, *_from(at, n)), _list, "LRANGE {} 0 -1"),
    "hash": Reader("HLEN", "fields", lambda k, at, n: ("HSCAN", k, at or 0, "COUNT", n), _hash, "HGETALL"),
    "set": Reader("SCARD", "members", lambda k, at, n: ("SSCAN", k, at or 0, "COUNT", n), _set, "SMEMBERS"),
    "zset": Reader(
        "ZCARD", "members", lambda k, at, n: ("ZRANGE", k, *_from(at, n), "WITHSCORES"), _sorted,
        "ZRANGE {} 0 -1 WITHSCORES",
    ),
    "stream": Reader(
        "XLEN", "entries", lambda k, at, n: ("XRANGE", k, at or "-", "+", "COUNT", n), _stream, "XRANGE {} - +"
    ),
    "ReJSON-RL": Reader(
        "", "", lambda k, at, n: ("JSON.GET", k, "INDENT", "  ", "NEWLINE", "\n", "SPACE", " "), _json, "JSON.GET"
    ),
}  # fmt: skip


def typed(kind: str, key: bytes) -> str:
    """What one would type to read a whole value, "" for a type that is not known."""
    reader = READERS.get(kind)
    if reader is None:
        return ""
    return reader.whole.format(argument(key)) if "{}" in reader.whole else f"{reader.whole} {argument(key)}"


_WHOLE = {"hgetall": "hash", "smembers": "set"}


def whole(command: Sequence[bytes]) -> tuple[bytes, str] | None:
    """The key and the type that a command reads as a whole, if that can be done by pages with the same rows."""
    lower = [word.decode("latin-1").lower() for word in command]
    if len(command) == 2 and lower[0] in _WHOLE:
        return command[1], _WHOLE[lower[0]]
    if lower[2:] == ["0", "-1"] and lower[0] == "lrange":
        return command[1], "list"
    if lower[2:] == ["0", "-1", "withscores"] and lower[0] == "zrange":
        return command[1], "zset"
    if lower[2:] == ["-", "+"] and lower[0] == "xrange":
        return command[1], "stream"
    return None
