"""SQL text as tokens, by the lexical rules of MySQL and MariaDB (MySQL manual, "Language Structure"). Never raises.

They are not PostgreSQL's: `#` and `-- ` begin comments, which do not nest; backslashes escape in strings; "…"
is a string unless ANSI_QUOTES is on; `…` is a name. What stands in /*! … */ or /*M! … */ is run by some servers:
it is a Lexeme.COMMAND, and no comment.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from dbtui.errors import QueryError
from dbtui.sql.lex import Lexeme, Token
from dbtui.sql.mask import is_literal

__all__ = ["Dialect", "Lexeme", "Token"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the session's sql_mode changes about the text."""

    ansi_quotes: bool = False
    backslashes: bool = True  # escape in strings

    @classmethod
    def of_mode(cls, sql_mode: str) -> Dialect:
        modes = sql_mode.upper().split(",")
        ansi = any(mode in ("ANSI_QUOTES", "ANSI", "ORACLE", "MSSQL", "DB2", "POSTGRESQL") for mode in modes)
        return cls(ansi_quotes=ansi, backslashes="NO_BACKSLASH_ESCAPES" not in modes)


USUAL = Dialect()
_WORD = r"[A-Za-z0-9_$\x80-\U0010ffff]"
_KINDS = {
    "space": Lexeme.SPACE,
    "line": Lexeme.COMMENT,
    "block": Lexeme.COMMENT,
    "run": Lexeme.COMMAND,
    "number": Lexeme.NUMBER,
    "placeholder": Lexeme.PLACEHOLDER,
    "word": Lexeme.WORD,
    "symbol": Lexeme.SYMBOL,
}


@cache
def _pattern(dialect: Dialect) -> re.Pattern[str]:
    escape = r"|\\." if dialect.backslashes else ""
    inner = r"[^'\\]" if dialect.backslashes else "[^']"
    wide = inner.replace("'", '"')
    double = "quoted" if dialect.ansi_quotes else "string2"
    body = rf'"(?:[^"]++|"")*+(?P<{double}_end>"?)' if dialect.ansi_quotes else (
        rf'"(?:{wide}++{escape}|"")*+(?P<{double}_end>"?)'
    )  # fmt: skip
    return re.compile(
        rf"""
          (?P<space>\s++)
        | (?P<line>\#[^\n]*+|--(?=[\s\x00-\x1f]|\Z)[^\n]*+)
        | (?P<run>/\*[Mm]?!(?:(?!\*/).)*+(?P<run_end>(?:\*/)?))
        | (?P<block>/\*(?:(?!\*/).)*+(?P<block_end>(?:\*/)?))
        | (?P<string>(?:[xXbBnN])?'(?:{inner}++{escape}|'')*+(?P<string_end>'?))
        | (?P<{double}>{body})
        | (?P<backquoted>`(?:[^`]++|``)*+(?P<backquoted_end>`?))
        | (?P<number>0[xX][0-9A-Fa-f]++(?!{_WORD})|0[bB][01]++(?!{_WORD})
            |(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?(?!{_WORD}))
        | (?P<placeholder>\?)
        | (?P<word>{_WORD}++)
        | (?P<symbol>.)
        """,
        re.VERBOSE | re.DOTALL,
    )


def tokens(text: str, dialect: Dialect = USUAL) -> Iterator[Token]:
    """All tokens of a text, without gaps: joined they are the text."""
    for match in _pattern(dialect).finditer(text):
        name = match.lastgroup or ""
        if name in ("string", "string2"):
            yield Token(Lexeme.STRING, match.start(), match.end(), bool(match[f"{name}_end"]))
        elif name in ("quoted", "backquoted"):
            yield Token(Lexeme.QUOTED, match.start(), match.end(), bool(match[f"{name}_end"]))
        else:
            closed = name not in ("block", "run") or bool(match[f"{name}_end"])
            yield Token(_KINDS[name], match.start(), match.end(), closed)


def meaningful(text: str, dialect: Dialect = USUAL) -> tuple[Token, ...]:
    """The tokens without white space and comments."""
    return tuple(t for t in tokens(text, dialect) if t.kind not in (Lexeme.SPACE, Lexeme.COMMENT))


def word(text: str, token: Token) -> str:
    """A bare word in lower case, a name without its quotes; else ""."""
    if token.kind is Lexeme.WORD:
        return text[token.start : token.end].lower()
    if token.kind is Lexeme.QUOTED:
        quote = text[token.start]
        return text[token.start + 1 : token.end - (1 if token.closed else 0)].replace(quote * 2, quote)
    return ""


def words(text: str, dialect: Dialect = USUAL) -> tuple[str, ...]:
    """Each meaningful token as one text: a bare word in lower case, anything else as it stands."""
    return tuple(
        text[t.start : t.end].lower() if t.kind is Lexeme.WORD else text[t.start : t.end]
        for t in meaningful(text, dialect)
    )


def first_word(text: str, dialect: Dialect = USUAL) -> str:
    """The first keyword in lower case, past comments and opening parentheses; "" where there is none."""
    for token in meaningful(text, dialect):
        if text[token.start] != "(":
            return word(text, token) if token.kind is Lexeme.WORD else ""
    return ""


def placeholders(text: str, dialect: Dialect = USUAL) -> int:
    """How many `?` stand for values."""
    return sum(token.kind is Lexeme.PLACEHOLDER for token in tokens(text, dialect))


def single(text: str, dialect: Dialect = USUAL) -> str:
    """The one statement of a text, without its semicolon. Raises QueryError for none or several.

    A semicolon inside the body of a routine is none that ends a statement.
    """
    if "\0" in text:
        raise QueryError("the statement holds a NUL character", "take it out")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise QueryError("the statement holds half a character", "type that part again") from None
    parts = list(meaningful(text, dialect))
    while parts and text[parts[-1].start] == ";":
        parts.pop()
    if not parts:
        raise QueryError("there is no statement to run", "type one")
    if not parts[-1].closed:
        raise QueryError("a quote in the statement is not closed", "close it")
    ends = [i for i, part in enumerate(parts) if part.kind is Lexeme.SYMBOL and text[part.start] == ";"]
    if ends and not has_body(tuple(word(text, part) for part in parts[: ends[0]])):
        raise QueryError("these are several statements", "run them one at a time")
    start = next(t.start for t in tokens(text, dialect) if t.kind is not Lexeme.SPACE)
    return text[start : parts[-1].end]


_ROUTINES = frozenset({"procedure", "function", "trigger", "event", "package"})


def has_body(before: tuple[str, ...]) -> bool:
    """Whether the words before the first semicolon begin something whose body holds semicolons."""
    if before[:1] in (("create",), ("alter",)):
        return not _ROUTINES.isdisjoint(before[1:16])
    return before[:3] == ("begin", "not", "atomic")


_LIST = re.compile(r"\( \?(?: , \?)+ \)")
_ROWS = re.compile(r"(\( \? \))(?: , \( \? \))+")


def mask(text: str) -> str:
    """The text with every literal replaced by `?`, without comments."""
    pieces = []
    for token in tokens(text):
        if token.kind is Lexeme.COMMENT:
            pieces.append(" ")
        elif is_literal(token):
            pieces.append("?")
        else:
            pieces.append(text[token.start : token.end])
    return "".join(pieces)


def fingerprint(text: str) -> str:
    """16 hexadecimal digits that are equal for statements of one shape: literals, comments, white space, case
    of bare words, length of lists and number of rows do not count.
    """
    pieces = []
    for token in meaningful(text):
        if is_literal(token) or token.kind is Lexeme.PLACEHOLDER:
            pieces.append("?")
        else:
            pieces.append(word(text, token) or text[token.start : token.end])
    while pieces and pieces[-1] == ";":
        pieces.pop()
    shape = _ROWS.sub(r"\1", _LIST.sub("( ? )", " ".join(pieces)))
    return hashlib.sha256(shape.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def identifier(name: str) -> str:
    """A name in backquotes, which every sql_mode takes."""
    return "`" + name.replace("`", "``") + "`"


def literal(value: str) -> str:
    """A string that no sql_mode reads in another way."""
    return f"CONVERT(X'{value.encode('utf-8', 'surrogateescape').hex()}' USING utf8mb4)" if value else "''"
