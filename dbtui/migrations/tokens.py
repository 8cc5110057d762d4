"""SQL text as tokens, for what no parser here understands and for finding the user's own words again.

Strings, comments and quoted names follow the engine: PostgreSQL's dollar quotes and E strings, MySQL's
backslashes, backquotes and `#`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dbtui.model.migration import Engine

_COMMENT = r"--[^\n]*|/\*.*?\*/"
_MYSQL_COMMENT = r"--(?=\s|$)[^\n]*|\#[^\n]*|/\*(?!!).*?\*/"
_NUMBER = r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+"
_WORD = r"[^\W\d][\w$]*"
_OPERATOR = r"::|:=|<=|>=|<>|!=|\|\||->>?|[^\s\w]"
_PLAIN_STRING = r"'[^']*(?:''[^']*)*'"

_POSTGRESQL = re.compile(
    rf"(?P<skip>\s+|{_COMMENT})"
    rf"|(?P<string>[eE]'[^'\\]*(?:(?:''|\\.)[^'\\]*)*'|(?:[uU]&|[bBxXnN])?{_PLAIN_STRING}"
    r"|(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag))"
    r'|(?P<quoted>(?:[uU]&)?"[^"]*(?:""[^"]*)*")'
    rf"|(?P<number>{_NUMBER})|(?P<word>{_WORD})|(?P<operator>{_OPERATOR})",
    re.S,
)
_MYSQL = re.compile(
    rf"(?P<skip>\s+|{_MYSQL_COMMENT}|/\*!\d*|\*/)"
    r"|(?P<string>[bBxXnN]?'[^'\\]*(?:(?:''|\\.)[^'\\]*)*'|\"[^\"\\]*(?:(?:\"\"|\\.)[^\"\\]*)*\")"
    r"|(?P<quoted>`[^`]*(?:``[^`]*)*`)"
    rf"|(?P<number>{_NUMBER})|(?P<word>@{{0,2}}{_WORD})|(?P<operator>{_OPERATOR})",
    re.S,
)
_SQLITE = re.compile(
    rf"(?P<skip>\s+|{_COMMENT})"
    rf"|(?P<string>[xX]?{_PLAIN_STRING})"
    r'|(?P<quoted>"[^"]*(?:""[^"]*)*"|`[^`]*(?:``[^`]*)*`|\[[^\]]*\])'
    rf"|(?P<number>{_NUMBER})|(?P<word>{_WORD})|(?P<operator>{_OPERATOR})",
    re.S,
)
_PATTERNS = {
    Engine.POSTGRESQL: _POSTGRESQL,
    Engine.MYSQL: _MYSQL,
    Engine.MARIADB: _MYSQL,
    Engine.SQLITE: _SQLITE,
}


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # "word", "quoted", "string", "number" or "operator"
    text: str  # as written
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def upper(self) -> str:
        """A bare word in capitals; anything else as written, so that a quoted "ADD" is no keyword."""
        return self.text.upper() if self.kind == "word" else self.text

    @property
    def name(self) -> str:
        """The identifier that a bare or quoted word means; bare words keep their case."""
        if self.kind != "quoted":
            return self.text
        quote = self.text[0]
        if quote == "[":
            return self.text[1:-1]
        return self.text[1:-1].replace(quote * 2, quote)

    @property
    def value(self) -> str:
        """The text inside a string token, with doubled quotes made single."""
        start = self.text.find("'") if "'" in self.text else 0
        quote = self.text[start]
        return self.text[start + 1 : -1].replace(quote * 2, quote)


def tokens(sql: str, engine: Engine) -> Iterator[Token]:
    """The tokens of a statement without white space and comments."""
    for match in _PATTERNS[engine].finditer(sql):
        kind = match.lastgroup
        if kind == "tag":
            kind = "string"
        if kind is not None and kind != "skip":
            yield Token(kind, match.group(), match.start())


def parts(sql: str, inside: tuple[Token, ...]) -> tuple[str, ...]:
    """The user's text of these tokens, cut at commas outside brackets."""
    found: list[str] = []
    depth, first = 0, None
    for position, token in enumerate(inside):
        if token.text in "([":
            depth += 1
        elif token.text in ")]":
            depth -= 1
        if first is None:
            first = token
        last = position == len(inside) - 1
        if (token.text == "," and not depth) or last:
            end = token.end if last and token.text != "," else token.start
            found.append(sql[first.start : end].strip())
            first = None
    return tuple(found)
