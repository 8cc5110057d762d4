"""What only the text of a CREATE TABLE says: generated columns' expressions and CHECKs. SQLite keeps that text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

_Part = re.Match[str]

# Strings, quoted names, comments, words, and whatever else is one sign. What is not closed runs to the end.
_TOKEN = re.compile(
    r"""'(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z) | `(?:[^`]|``)*(?:`|\Z) | \[[^\]]*(?:\]|\Z)
      | --[^\n]* | /\*.*?(?:\*/|\Z) | \s+ | \w+ | .""",
    re.X | re.S,
)


def bare(token: str) -> str:
    """The name that a token means: its quotes taken away."""
    if token[:1] in '"`' and token:
        return token[1:].removesuffix(token[0]).replace(token[0] * 2, token[0])
    if token[:1] == "[":
        return token[1:].removesuffix("]")
    return token


def lexemes(sql: str) -> Iterator[tuple[int, int]]:
    """Where each token of a text starts and ends, white space and comments among them; without gaps."""
    return (match.span() for match in _TOKEN.finditer(sql))


def words(sql: str) -> list[str]:
    """The tokens of a text in lower case, without white space and comments."""
    return [match[0].lower() for match in _tokens(sql)]


def generated(sql: str) -> dict[str, str]:
    """Column in lower case → expression, of the generated columns of a CREATE TABLE."""
    found = {}
    for definition in _definitions(sql):
        for at in _outermost(definition, "as"):
            if at:
                found[bare(definition[0][0]).lower()] = _inside(definition, at + 1)
                break
    return found


def checks(sql: str) -> list[tuple[str, str]]:
    """Name ("" for none) and expression of each CHECK of a CREATE TABLE, those of its columns too."""
    found = []
    for definition in _definitions(sql):
        for at in _outermost(definition, "check"):
            named = at >= 2 and definition[at - 2][0].lower() == "constraint"
            found.append((bare(definition[at - 1][0]) if named else "", _inside(definition, at + 1)))
    return found


def index_columns(sql: str) -> list[str]:
    """Keys of a CREATE INDEX as they were written."""
    return [_written(one) for one in _definitions(sql)]


def predicate(sql: str) -> str | None:
    """The WHERE of a CREATE INDEX."""
    depth, parts = 0, list(_tokens(sql))
    for at, part in enumerate(parts):
        depth += _step(part)
        if depth == 0 and part[0].lower() == "where":
            return _written(parts[at + 1 :])
    return None


def _tokens(sql: str) -> Iterator[_Part]:
    for match in _TOKEN.finditer(sql):
        if not match[0].isspace() and not match[0].startswith(("--", "/*")):
            yield match


def _definitions(sql: str) -> list[list[_Part]]:
    """What stands between the commas of the outermost parentheses, each as tokens."""
    found: list[list[_Part]] = []
    depth = 0
    for part in _tokens(sql):
        if part[0] == ")":
            depth -= 1
            if depth <= 0:
                break
        if depth == 1 and part[0] == ",":
            found.append([])
        elif depth >= 1:
            found[-1].append(part)
        if part[0] == "(":
            depth += 1
            if depth == 1:
                found.append([])
    return [one for one in found if one]


def _outermost(definition: list[_Part], word: str) -> Iterator[int]:
    """Where a word stands outside of parentheses, with one following."""
    depth = 0
    for at, (part, following) in enumerate(pairwise(definition)):
        if depth == 0 and part[0].lower() == word and following[0] == "(":
            yield at
        depth += _step(part)


def _step(part: _Part) -> int:
    return (part[0] == "(") - (part[0] == ")")


def _inside(definition: list[_Part], opening: int) -> str:
    """What stands in the parenthesis that opens at an index."""
    depth = 0
    for at in range(opening, len(definition)):
        depth += _step(definition[at])
        if depth == 0:
            return _written(definition[opening + 1 : at])
    return _written(definition[opening + 1 :])


def _written(parts: list[_Part]) -> str:
    """The text from the first token to the last, on one line."""
    return " ".join(parts[0].string[parts[0].start() : parts[-1].end()].split()) if parts else ""
