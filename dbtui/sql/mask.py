"""SQL text without its literals: for notes, recordings, and to see that two statements have one shape."""

from __future__ import annotations

import hashlib
import re

from dbtui.sql.lex import Lexeme, Token, meaningful, tokens, word

_COMMAND_NAME = re.compile(r"\\\w*")
_LIST = re.compile(r"\( \?(?: , \?)+ \)")
_ROWS = re.compile(r"(\( \? \))(?: , \( \? \))+")


def mask(sql: str, *, numbered: bool = False) -> str:
    """The text with every literal replaced by `?`, or by `$n` counted on from the highest placeholder.

    Strings, bit strings, dollar-quoted texts and numbers are literals; so is what an unclosed quote holds.
    Comments and the arguments of psql commands go, since they may hold values too; a comment becomes a space.
    Names, keywords, placeholders and line breaks stay. The body of a routine is one literal.
    """
    pieces: list[str] = []
    highest = placeholders(sql)
    for token in tokens(sql):
        if token.kind is Lexeme.COMMENT:
            pieces.append(" ")
        elif token.kind is Lexeme.COMMAND:
            pieces.append(_COMMAND_NAME.findall(sql, token.start)[0])
        elif is_literal(token):
            highest += 1
            pieces.append(f"${highest}" if numbered else "?")
        else:
            pieces.append(sql[token.start : token.end])
    return "".join(pieces)


def placeholders(sql: str) -> int:
    """The highest `$n` of a text, 0 where there is none."""
    found = (
        int(sql[t.start + 1 : t.end])
        for t in tokens(sql)
        if t.kind is Lexeme.PLACEHOLDER and t.end - t.start < 8
    )
    return max(found, default=0)


def is_literal(token: Token) -> bool:
    """Whether a token holds a value of the user: a string, a number, or a quote that never ends."""
    return token.kind in (Lexeme.STRING, Lexeme.NUMBER) or (token.kind is Lexeme.QUOTED and not token.closed)


def fingerprint(sql: str) -> str:
    """16 hexadecimal digits that are equal for statements of one shape.

    Literals, placeholders, comments, white space and the case of bare words do not count, nor do the length
    of a list of values and the number of rows of VALUES.
    """
    shape = " ".join(_pieces(sql))
    shape = _ROWS.sub(r"\1", _LIST.sub("( ? )", shape))
    return hashlib.sha256(shape.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _pieces(sql: str) -> list[str]:
    pieces = []
    for token in meaningful(sql):
        if is_literal(token) or token.kind is Lexeme.PLACEHOLDER:
            pieces.append("?")
        elif token.kind is Lexeme.WORD:
            pieces.append(word(sql, token))
        else:
            pieces.append(sql[token.start : token.end])
    while pieces and pieces[-1] == ";":
        pieces.pop()
    return pieces
