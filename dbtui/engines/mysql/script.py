"""The statements of a text, as the mysql client tells them apart: DELIMITER, and bodies of routines without it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.engines.mysql.lex import USUAL, Dialect, Lexeme, has_body, tokens, word
from dbtui.sql.lex import Token
from dbtui.sql.split import Statement

_DELIMITER = re.compile(r"[ \t]*delimiter[ \t]+(\S+)[^\n]*", re.IGNORECASE)


def split(text: str, dialect: Dialect = USUAL) -> tuple[Statement, ...]:
    """The statements in order, without empty ones, and without what ends them.

    A line `DELIMITER x` changes what ends a statement, and belongs to none; with the semicolon, a routine whose
    body holds semicolons reaches to the END that a line ends with. Comments before a statement belong to it.
    """
    return tuple(_statements(text, dialect))


def _statements(text: str, dialect: Dialect) -> Iterator[Statement]:
    delimiter = ";"
    at = 0
    while at < len(text):
        order = _order(text, at, dialect)
        if order is not None:
            delimiter, at = order[1], order.end()
            continue
        statement, at = _next(text, at, delimiter, dialect)
        if statement is not None:
            yield statement


def _order(text: str, at: int, dialect: Dialect) -> re.Match[str] | None:
    """The DELIMITER line that comes next, past white space and comments."""
    for token in tokens(text[at:], dialect):
        if token.kind not in (Lexeme.SPACE, Lexeme.COMMENT):
            line = text.rfind("\n", 0, at + token.start) + 1
            return _DELIMITER.match(text, max(line, at))
    return None


def _next(text: str, at: int, delimiter: str, dialect: Dialect) -> tuple[Statement | None, int]:
    """The statement that begins at `at`, None for comments alone, and where the next one may begin."""
    first, last, real = -1, at, False
    words: list[str] = []
    for token in tokens(text[at:], dialect):
        if token.kind is Lexeme.SPACE:
            continue
        here = Token(token.kind, token.start + at, token.end + at, token.closed)
        end = _end(text, here, delimiter)
        if end is not None and delimiter == ";" and has_body(tuple(words)) and not _closes(words, text, end):
            end = None
        if end is not None:
            if end > here.start:
                first, last, real = (here.start if first < 0 else first), end, True
            made = Statement(text[first:last], first, last) if real else None
            return made, end + len(delimiter)
        first = here.start if first < 0 else first
        if here.kind is not Lexeme.COMMENT:
            last, real = here.end, True
            words.append(word(text, here) if here.kind is Lexeme.WORD else "")
    return (Statement(text[first:last], first, last) if real else None), len(text)


def _end(text: str, token: Token, delimiter: str) -> int | None:
    """Where a delimiter stands in a token or begins with it; never inside quotes and comments."""
    if token.kind in (Lexeme.COMMENT, Lexeme.STRING, Lexeme.QUOTED, Lexeme.COMMAND):
        return None
    if text.startswith(delimiter, token.start):
        return token.start
    found = text.find(delimiter, token.start, token.end)
    return found if found >= 0 else None


def _closes(words: list[str], text: str, semicolon: int) -> bool:
    """Whether a semicolon behind END, and before the end of its line, ends the body of a routine."""
    if "begin" not in words:
        return True
    named = (
        len(words) > 1 and words[-2] == "end" and words[-1] not in ("if", "loop", "while", "repeat", "case")
    )
    line = text[semicolon + 1 :].partition("\n")[0].strip()
    depth = words.count("begin") + words.count("case") - _ends(words)
    return (words[-1] == "end" or named) and depth <= 0 and not line


def _ends(words: list[str]) -> int:
    """How many END close a BEGIN or a CASE; END IF, END LOOP and their like close what is not counted."""
    closing = 0
    for i, each in enumerate(words):
        following = words[i + 1] if i + 1 < len(words) else ""
        closing += each == "end" and following not in ("if", "loop", "while", "repeat")
    return closing
