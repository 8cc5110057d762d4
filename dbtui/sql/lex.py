"""SQL text as tokens, by PostgreSQL's lexical rules (manual, chapter "Lexical Structure"). Never raises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple


class Lexeme(Enum):
    SPACE = auto()
    COMMENT = auto()
    STRING = auto()  # '…', E'…', B'…', X'…', N'…', U&'…' and $tag$…$tag$, with what marks them
    QUOTED = auto()  # "…" and U&"…"
    WORD = auto()  # keyword or identifier
    NUMBER = auto()
    PLACEHOLDER = auto()  # $1
    COMMAND = auto()  # a psql command: a backslash outside quotes, to the end of its line
    SYMBOL = auto()  # one character of anything else


class Token(NamedTuple):
    """A piece of the text: `text[start:end]`. `closed` is False where the text ends inside it."""

    kind: Lexeme
    start: int
    end: int
    closed: bool = True


_LETTER = r"[A-Za-z_\x80-\U0010ffff]"
_TOKEN = re.compile(
    rf"""
      (?P<space>\s++)
    | (?P<line>--[^\n]*+)
    | (?P<block>/\*)
    | (?P<escaped>[eE]'(?:[^'\\]++|\\.|'')*+(?P<escaped_end>'?))
    | (?P<string>(?:[bBxXnN]|[uU]&)?'(?:[^']++|'')*+(?P<string_end>'?))
    | (?P<quoted>(?:[uU]&)?"(?:[^"]++|"")*+(?P<quoted_end>"?))
    | (?P<placeholder>\$\d++)
    | (?P<dollar>\$(?:{_LETTER}(?:[\w\x80-\U0010ffff])*+)?\$)
    | (?P<word>{_LETTER}(?:[\w$\x80-\U0010ffff])*+)
    | (?P<number>0[xX][0-9A-Fa-f_]++|0[oO][0-7_]++|0[bB][01_]++
        |(?:\d[\d_]*+(?:\.(?!\.)[\d_]*+)?|\.\d[\d_]*+)(?:[eE][+-]?\d++)?)
    | (?P<command>\\[^\n]*+)
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "space": Lexeme.SPACE,
    "line": Lexeme.COMMENT,
    "placeholder": Lexeme.PLACEHOLDER,
    "word": Lexeme.WORD,
    "number": Lexeme.NUMBER,
    "command": Lexeme.COMMAND,
    "symbol": Lexeme.SYMBOL,
}
_ENDED = {"escaped": Lexeme.STRING, "string": Lexeme.STRING, "quoted": Lexeme.QUOTED}
_BLOCK = re.compile(r"/\*|\*/")


def tokens(text: str) -> Iterator[Token]:
    """All tokens of a text, without gaps: joined they are the text."""
    at, end = 0, len(text)
    while at < end:
        match = _TOKEN.match(text, at)
        assert match is not None, "the last alternative takes any character"
        name = match.lastgroup or ""  # the outer group, since it closes last
        if name in _KINDS:
            token = Token(_KINDS[name], at, match.end())
        elif name in _ENDED:
            token = Token(_ENDED[name], at, match.end(), bool(match[f"{name}_end"]))
        elif name == "block":
            token = _block_comment(text, at)
        else:
            token = _dollar_quoted(text, at, match[0])
        yield token
        at = token.end


def _block_comment(text: str, start: int) -> Token:
    depth, at = 0, start
    while match := _BLOCK.search(text, at):
        at = match.end()
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return Token(Lexeme.COMMENT, start, at)
    return Token(Lexeme.COMMENT, start, len(text), closed=False)


def _dollar_quoted(text: str, start: int, tag: str) -> Token:
    end = text.find(tag, start + len(tag))
    if end < 0:
        return Token(Lexeme.STRING, start, len(text), closed=False)
    return Token(Lexeme.STRING, start, end + len(tag))


def meaningful(text: str) -> Iterator[Token]:
    """The tokens without white space and comments."""
    return (token for token in tokens(text) if token.kind not in (Lexeme.SPACE, Lexeme.COMMENT))


def word(text: str, token: Token) -> str:
    """A name as the server folds it: a bare word in lower case, a quoted one without its quotes; else ""."""
    if token.kind is Lexeme.WORD:
        return text[token.start : token.end].lower()
    if token.kind is Lexeme.QUOTED:
        inner = text[token.start : token.end - (1 if token.closed else 0)]
        return inner[inner.index('"') + 1 :].replace('""', '"')
    return ""
