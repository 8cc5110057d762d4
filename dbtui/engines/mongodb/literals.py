"""Reads values as people type them for MongoDB: JSON, Extended JSON, and mongosh's literals. Nothing is evaluated.

Beyond JSON: keys without quotes, single quotes, trailing commas, comments, `/regex/i`, and the constructors
ObjectId, ISODate, Date, NumberLong, NumberInt, NumberDecimal, UUID, BinData, Timestamp, RegExp, MinKey, MaxKey.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp, json_util
from bson.errors import BSONError
from bson.json_util import JSONOptions

from dbtui.errors import QueryError

MOST_LEVELS = 100  # what servers take
_BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)+", re.S)
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)")
_REGEX = re.compile(r"/((?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)/([a-z]*)")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'', re.S)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.S)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_WORDS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "MinKey": MinKey(),
    "MaxKey": MaxKey(),
}
_WRAPPERS = frozenset(
    (f"${name}",)
    for name in ("oid", "date", "numberLong", "numberInt", "numberDouble", "numberDecimal", "binary", "uuid",
                 "timestamp", "regularExpression", "minKey", "maxKey", "code", "symbol", "undefined")
)  # fmt: skip
_JSON = JSONOptions(tz_aware=True, json_mode=json_util.JSONMode.RELAXED)


class Reader:
    """A position in a text. Every method raises QueryError with the position of what it cannot read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self, message: str, hint: str = "", at: int | None = None) -> QueryError:
        """What is wrong at the position, or at another."""
        return QueryError(message, hint, position=(self.at if at is None else at) + 1)

    def skip(self) -> None:
        """Pass white space and comments."""
        if match := _BLANK.match(self.text, self.at):
            self.at = match.end()

    def next(self) -> str:
        """The next character that means something, "" at the end; it is not taken."""
        self.skip()
        return self.text[self.at : self.at + 1]

    def take(self, sign: str) -> bool:
        """Take a sign if it comes next."""
        if self.next() != sign:
            return False
        self.at += 1
        return True

    def expect(self, sign: str, where: str) -> None:
        """Take a sign that must come next."""
        if not self.take(sign):
            found = self.next()
            raise self.error(
                f"{sign!r} is missing {where}", f"found {found!r}" if found else "the text ends there"
            )

    def name(self) -> str:
        """Take an identifier, "" when none comes next."""
        self.skip()
        match = _NAME.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match[0]

    def string(self) -> str:
        """Take a text in single or double quotes."""
        self.skip()
        match = _STRING.match(self.text, self.at)
        if match is None:
            raise self.error(
                "a text in quotes does not end" if self.next() in "\"'" else "a text in quotes is missing"
            )
        self.at = match.end()
        inner = match[1] if match[1] is not None else match[2]
        return _ESCAPE.sub(_unescaped, inner)

    def value(self, depth: int = 0) -> Any:
        """Take a value of any kind."""
        if depth > MOST_LEVELS:
            raise self.error(f"nested deeper than {MOST_LEVELS} levels", "no server takes such a document")
        sign = self.next()
        if sign == "{":
            return self._object(depth)
        if sign == "[":
            return self._array(depth)
        if sign in ('"', "'") and sign:
            return self.string()
        if sign == "/":
            return self._regex()
        if match := _NUMBER.match(self.text, self.at):
            self.at = match.end()
            return _number(match[0])
        return self._word(sign)

    def arguments(self) -> list[Any]:
        """Take the values between two parentheses."""
        self.expect("(", "before the arguments")
        found: list[Any] = []
        while not self.take(")"):
            found.append(self.value())
            if not self.take(","):
                self.expect(")", "after the arguments")
                break
        return found

    def _object(self, depth: int) -> Any:
        start = self.at
        self.expect("{", "before an object")
        made: dict[str, Any] = {}
        while not self.take("}"):
            sign, key_at = self.next(), self.at
            key = self.string() if sign in ('"', "'") else self._key()
            if "\0" in key:
                raise self.error("a key holds a NUL character", at=key_at)
            self.expect(":", f"after the key {key!r}")
            if key in made:
                raise self.error(f"the key {key!r} stands twice in one object", at=key_at)
            made[key] = self.value(depth + 1)
            if not self.take(","):
                self.expect("}", "at the end of an object")
                break
        return self._special(made, start)

    def _key(self) -> str:
        start = self.at
        key = self.name()
        if not key and (match := re.compile(r"\d+").match(self.text, self.at)):
            self.at = match.end()
            key = match[0]
        if not key:
            raise self.error("a key is missing", 'write {"key": value}', at=start)
        return key

    def _special(self, made: dict[str, Any], start: int) -> Any:
        """Extended JSON's objects, such as {"$oid": …}, as the values they stand for.

        Only with exactly their keys: {"$regex": …, "$ne": …} is a query.
        """
        if tuple(made) not in _WRAPPERS:
            return made
        try:
            return json_util.object_hook(made, _JSON)
        except (BSONError, ValueError, TypeError, KeyError, OverflowError) as error:
            raise self.error(f"{next(iter(made))} cannot be read", str(error)[:200], at=start) from None

    def _array(self, depth: int) -> list[Any]:
        self.expect("[", "before an array")
        made: list[Any] = []
        while not self.take("]"):
            made.append(self.value(depth + 1))
            if not self.take(","):
                self.expect("]", "at the end of an array")
                break
        return made

    def _regex(self) -> Any:
        match = _REGEX.match(self.text, self.at)
        if match is None:
            raise self.error("a regular expression does not end")
        start, self.at = self.at, match.end()
        return self._make("RegExp", [match[1], match[2]], start)

    def _word(self, sign: str) -> Any:
        start = self.at
        word = self.name()
        if word == "new":
            word = self.name()
        if word in _MAKERS and self.next() == "(":
            return self._make(word, self.arguments(), start)
        if word in _WORDS:
            if self.next() == "(" and word in ("MinKey", "MaxKey"):
                self.arguments()
            return _WORDS[word]
        if sign == "-" and self.text.startswith("-Infinity", start):
            self.at = start + len("-Infinity")
            return float("-inf")
        if word:
            hint = "put a text into quotes; nothing is evaluated here, so variables and functions have no meaning"
            raise self.error(f"{word} is no value", hint, at=start)
        raise self.error(f"a value is missing before {sign!r}" if sign else "a value is missing at the end")

    def _make(self, word: str, arguments: list[Any], start: int) -> Any:
        try:
            return _MAKERS[word](*arguments)
        except (BSONError, ValueError, TypeError, ArithmeticError, binascii.Error):
            shown = ", ".join(str(argument)[:60] for argument in arguments)
            raise self.error(f"{word}({shown}) cannot be made", at=start) from None


def _unescaped(match: re.Match[str]) -> str:
    if match[1] or match[2]:
        return chr(int(match[1] or match[2], 16))
    return _ESCAPES.get(match[3], match[3])


def _number(text: str) -> int | float:
    if any(sign in text for sign in ".eE"):
        return float(text)
    number = int(text) if len(text) < 25 else 2**64
    return number if -(2**63) <= number < 2**63 else float(text)


def _date(*arguments: Any) -> datetime:
    if not arguments:
        return datetime.now(UTC)
    (value,) = arguments
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000, UTC)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _regex(pattern: str, options: str = "") -> Regex[str]:
    flags = {"i": re.I, "m": re.M, "s": re.S, "x": re.X, "u": re.U, "g": 0}
    return Regex(pattern, sum(flags[letter] for letter in set(options) - {"g"}))


_MAKERS: dict[str, Callable[..., Any]] = {
    "ObjectId": ObjectId,
    "ISODate": _date,
    "Date": _date,
    "NumberLong": lambda one=0: Int64(int(one)),
    "Long": lambda one=0: Int64(int(one)),
    "NumberInt": lambda one=0: int(one),
    "Int32": lambda one=0: int(one),
    "NumberDecimal": lambda one="0": Decimal128(str(one)),
    "Decimal128": lambda one="0": Decimal128(str(one)),
    "Double": lambda one=0: float(one),
    "UUID": lambda one: Binary.from_uuid(UUID(one)),
    "BinData": lambda subtype, data: Binary(base64.b64decode(data, validate=True), int(subtype)),
    "HexData": lambda subtype, data: Binary(bytes.fromhex(data), int(subtype)),
    "Timestamp": lambda time=0, inc=0: (
        Timestamp(time["t"], time["i"]) if isinstance(time, dict) else Timestamp(int(time), int(inc))
    ),
    "RegExp": _regex,
}
