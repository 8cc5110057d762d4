"""What only the text of a CREATE TABLE says: generated columns' expressions and CHECKs. SQLite keeps that text."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Strings, quoted names, comments, words, and whatever else is one sign. What is not closed runs to the end.
_TOKEN = re.compile(
    r"""'(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z) | `(?:[^`]|``)*(?:`|\Z) | \[[^\]]*(?:\]|\Z)
      | --[^\n]* | /\*.*?(?:\*/|\Z) | \s+ | \w+ | .""",
    re.X | re.S,
)


def identifier(name: str) -> str:
    """A name as SQL reads it back, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def bare(token: str) -> str:
    """The name that a token means: its quotes taken away."""
    if token[:1] in '"`' and token:
        return token[1:].removesuffix(token[0]).replace(token[0] * 2, token[0])
    if token[:1] == "[":
        return token[1:].removesuffix("]")
    return token


def tokens(sql: str) -> Iterator[str]:
    """The tokens of a text, without white space and comments."""
    for match in _TOKEN.finditer(sql):
        token = match[0]
        if not token.isspace() and not token.startswith(("--", "/*")):
            yield token


def definitions(sql: str) -> list[list[str]]:
    """What stands between the commas of the outermost parentheses, each as tokens."""
    found: list[list[str]] = []
    depth = 0
    for part in tokens(sql):
        if part == ")":
            depth -= 1
            if depth <= 0:
                break
        if depth == 1 and part == ",":
            found.append([])
        elif depth >= 1:
            found[-1].append(part)
        if part == "(":
            depth += 1
            if depth == 1:
                found.append([])
    return [one for one in found if one]


def generated(sql: str) -> dict[str, str]:
    """Column → expression, of the generated columns of a CREATE TABLE."""
    found = {}
    for definition in definitions(sql):
        for at, token in enumerate(definition[1:-1], 1):
            if token.lower() == "as" and definition[at + 1] == "(" and _level(definition, at) == 0:
                found[bare(definition[0]).lower()] = _inside(definition, at + 1)
                break
    return found


def checks(sql: str) -> list[tuple[str, str]]:
    """Name ("" for none) and expression of each CHECK of a CREATE TABLE, those of its columns too."""
    found = []
    for definition in definitions(sql):
        for at, token in enumerate(definition[:-1]):
            if token.lower() == "check" and definition[at + 1] == "(" and _level(definition, at) == 0:
                named = at >= 2 and definition[at - 2].lower() == "constraint"
                found.append((bare(definition[at - 1]) if named else "", _inside(definition, at + 1)))
    return found


def index_columns(sql: str) -> list[str]:
    """Keys of a CREATE INDEX as they were written."""
    return [_joined(one) for one in definitions(sql)]


def predicate(sql: str) -> str | None:
    """The WHERE of a CREATE INDEX."""
    depth, rest = 0, list(tokens(sql))
    for at, part in enumerate(rest):
        depth += (part == "(") - (part == ")")
        if depth == 0 and part.lower() == "where":
            return _joined(rest[at + 1 :])
    return None


def _level(definition: list[str], at: int) -> int:
    return definition[:at].count("(") - definition[:at].count(")")


def _inside(definition: list[str], opening: int) -> str:
    """What stands in the parenthesis that opens at an index."""
    depth = 0
    for at in range(opening, len(definition)):
        depth += (definition[at] == "(") - (definition[at] == ")")
        if depth == 0:
            return _joined(definition[opening + 1 : at])
    return _joined(definition[opening + 1 :])


def _joined(parts: list[str]) -> str:
    """Tokens as a line, with blanks where a person would write them."""
    text = ""
    for part in parts:
        glued = not text or text.endswith(("(", ".")) or part in "),.(" or _is_sign(text[-1], part)
        text += part if glued else f" {part}"
    return text


def _is_sign(before: str, part: str) -> bool:
    """Two signs of one operator: `>` and `=`, `|` and `|`."""
    return before in "<>=!|-" and part in "<>=|"
