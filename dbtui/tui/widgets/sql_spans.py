"""Colouring SQL a line at a time: what a line starts in, what stands where on it, and what it leaves open."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Token, _TokenType, is_token_subtype


class Part(StrEnum):
    """What a stretch of SQL is."""

    KEYWORD = "keyword"
    STRING = "string"
    NUMBER = "number"
    COMMENT = "comment"
    NAME = "name"  # built-in functions and types, quoted names


Span = tuple[int, int, Part]  # start, end, in characters of the line


@dataclass(frozen=True, slots=True)
class State:
    """What is open at the end of a line: a comment (nested `depth` times) or a text up to `until`."""

    until: str = ""  # "*/", "'", '"', "`", "$tag$"; "" is nothing
    depth: int = 0
    escapes: bool = False  # whether a backslash escapes in it
    body: str = ""  # the dollar quote around all this, where it holds code: the body of a function or of DO

    def closed(self) -> State:
        """The state behind the end of what is open."""
        return State(body=self.body)


START = State()


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between engines before a keyword is looked at."""

    lexer: str  # Pygments' name
    opener: re.Pattern[str]
    nested_comments: bool
    backslash: bool  # whether it escapes in ordinary strings


_COMMON = r"--.*|/\*|'|\""
POSTGRES = Dialect("postgresql", re.compile(_COMMON + r"|\b[eE]'|\$(?:[^\W\d]\w*)?\$"), True, False)
MYSQL = Dialect("mysql", re.compile(_COMMON + r"|`|#.*"), False, True)
SQLITE = Dialect("sql", re.compile(_COMMON + r"|`"), False, False)
GENERIC = Dialect("sql", re.compile(_COMMON), False, False)
DIALECTS = {"postgres": POSTGRES, "postgresql": POSTGRES, "mysql": MYSQL, "mariadb": MYSQL, "sqlite": SQLITE}


def dialect_of(engine: str) -> Dialect:
    """The dialect of an engine by its name; plain SQL for one that has none of its own."""
    return DIALECTS.get(engine, GENERIC)


def spans(line: str, state: State, dialect: Dialect) -> tuple[list[Span], State]:
    """The parts of a line that starts in `state`, and the state it leaves. Takes time linear in the line."""
    found: list[Span] = []
    at = 0
    if state.until:
        part = _part(state.until)
        at, state = _rest(line, 0, state, dialect)
        found.append((0, at, part))
    while at < len(line):
        opener = dialect.opener.search(line, at)
        if opener is None:
            found += _code(line, at, len(line), dialect)
            break
        found += _code(line, at, opener.start(), dialect)
        sign, start = opener.group(), opener.start()
        if sign.startswith(("--", "#")):
            found.append((start, len(line), Part.COMMENT))
            break
        if sign.startswith("$") and (
            sign == state.body or (not state.body and _holds_code(line, start, sign))
        ):
            found.append((start, opener.end(), Part.STRING))
            at, state = opener.end(), State(body="" if state.body else sign)
            continue
        inside = _opened(sign, state, dialect)
        at, state = _rest(line, opener.end(), inside, dialect)
        found.append((start, at, _part(inside.until)))
    return found, state


_BEFORE_CODE = re.compile(r"\b(?:AS|DO)\s*$", re.IGNORECASE)


def _holds_code(line: str, start: int, sign: str) -> bool:
    """Whether a dollar quote is a body of statements: behind AS or DO, or so named by the server."""
    return (
        sign in ("$function$", "$procedure$")
        or _BEFORE_CODE.search(line, max(0, start - 16), start) is not None
    )


def _opened(sign: str, state: State, dialect: Dialect) -> State:
    if sign == "/*":
        return State("*/", 1, False, state.body)
    if sign.startswith("$"):
        return State(sign, 0, False, state.body)
    quote = sign[-1]
    return State(quote, 0, quote == "'" and (dialect.backslash or len(sign) == 2), state.body)


def _rest(line: str, at: int, state: State, dialect: Dialect) -> tuple[int, State]:
    """Where what is open ends on this line, and the state from there on."""
    if state.until == "*/":
        return _rest_of_comment(line, at, state, dialect)
    if state.escapes:
        while at < len(line):
            if line[at] == "\\":
                at += 2
                continue
            if line[at] == state.until:
                return at + 1, state.closed()
            at += 1
        return len(line), state
    end = line.find(state.until, at)
    return (len(line), state) if end < 0 else (end + len(state.until), state.closed())


_EDGE = re.compile(r"/\*|\*/")


def _rest_of_comment(line: str, at: int, state: State, dialect: Dialect) -> tuple[int, State]:
    depth = state.depth
    for edge in _EDGE.finditer(line, at):
        if edge.group() == "*/":
            depth -= 1
            if not depth:
                return edge.end(), state.closed()
        elif dialect.nested_comments:
            depth += 1
    return len(line), State("*/", depth, False, state.body)


def _part(until: str) -> Part:
    if until == "*/":
        return Part.COMMENT
    return Part.NAME if until in ('"', "`") else Part.STRING


@cache
def _lexer(name: str) -> Lexer:
    return get_lexer_by_name(name, stripnl=False, ensurenl=False)


def _code(line: str, start: int, end: int, dialect: Dialect) -> list[Span]:
    """Keywords, numbers and built-in names of a stretch without strings and comments."""
    if not line[start:end].strip():
        return []
    made = []
    at = start
    for token, value in _lexer(dialect.lexer).get_tokens(line[start:end]):
        part = Part.NUMBER if value.isdecimal() else _of_token(token)  # MySQL's lexer takes "1" for a name
        if part is Part.NUMBER and not any(map(str.isdigit, value)):  # a lone point
            part = None
        if part is not None and not (part is Part.KEYWORD and line[at - 1 : at] == "."):  # a column's name
            made.append((at, at + len(value), part))
        at += len(value)
    return made


_PARTS = (
    (Token.Keyword, Part.KEYWORD),
    (Token.Operator.Word, Part.KEYWORD),
    (Token.Literal.Number, Part.NUMBER),
    (Token.Name.Builtin, Part.NAME),
    (Token.Name.Function, Part.NAME),
)


def _of_token(token: _TokenType) -> Part | None:
    return next((part for kind, part in _PARTS if is_token_subtype(token, kind)), None)
