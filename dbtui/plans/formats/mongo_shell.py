"""What mongosh prints, as JSON: keys without quotes, single quotes, and values such as ObjectId('…') or Long('5')."""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(
    r"""
    (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<call>(?:new\s+)?[A-Za-z_$][\w$.]*\([^()]*(?:\([^()]*\)[^()]*)*\))
  | (?P<name>[A-Za-z_$][\w$]*)
  | (?P<regex>/(?:[^/\\\n]|\\.)+/[a-z]*(?=\s*[,}\]]))
  | (?P<rest>[^"'A-Za-z_$/]+|/)
    """,
    re.VERBOSE,
)
_NUMBER = re.compile(
    r"(?:Long|NumberLong|NumberInt|Int32|Double|Decimal128|NumberDecimal)\(['\"]?(-?[\d.eE+-]+)['\"]?\)\Z"
)
_INNER = re.compile(r"\(\s*['\"](.*)['\"]\s*\)\Z", re.S)
_LITERALS = frozenset({"true", "false", "null"})


def as_json(text: str) -> str:
    """The same values in JSON; what is neither stays as it is, for the reader of JSON to complain about."""
    return re.sub(r",(\s*[}\]])", r"\1", _TOKEN.sub(_token, text))


def _token(match: re.Match[str]) -> str:
    token = match[0]
    if match["text"]:
        return token if token[0] == '"' else json.dumps(_unquoted(token), ensure_ascii=False)
    if match["call"]:
        number = _NUMBER.match(token)
        if number:
            return number[1]
        inner = _INNER.search(token)
        return json.dumps(inner[1] if inner else token, ensure_ascii=False)
    if match["name"]:
        return token if token in _LITERALS else json.dumps(None if match["name"] == "undefined" else token)
    return json.dumps(token, ensure_ascii=False) if match["regex"] else token


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.S)
