"""The statements of a text, and the one under a cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dbtui.sql.lex import Lexeme, Token, tokens, word


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text, without its semicolon and the white space around it."""

    text: str
    start: int  # offset in characters of the whole text
    end: int
    command: bool = False  # a psql command such as \\d, which no server understands

    def line(self, source: str) -> int:
        """The line of `source` on which it starts, from 1."""
        return source.count("\n", 0, self.start) + 1


def split(text: str) -> tuple[Statement, ...]:
    """The statements of a text, in order, without empty ones.

    A semicolon ends one unless it stands in quotes, a comment, parentheses or the BEGIN ATOMIC … END of a
    routine; so does a psql command. The rows below COPY … FROM STDIN belong to no statement. Comments before
    a statement belong to it; a text of comments alone is no statement.
    """
    return tuple(_statements(text))


def statement_at(text: str, offset: int) -> Statement | None:
    """The statement an editor's cursor is in: see `around`."""
    return around(split(text), text, offset)


def around(found: Sequence[Statement], text: str, offset: int) -> Statement | None:
    """Of the statements of a text the one around `offset`, else on its line, else the one before."""
    for statement in found:
        if statement.start <= offset <= statement.end:
            return statement
    before = [statement for statement in found if statement.end <= offset]
    after = [statement for statement in found if statement.start >= offset]
    if (
        after
        and "\n" not in text[offset : after[0].start]
        and not (before and _same_line(text, before[-1], offset))
    ):
        return after[0]
    if before:
        return before[-1]
    return after[0] if after else None


def _same_line(text: str, statement: Statement, offset: int) -> bool:
    return "\n" not in text[statement.end : offset]


def _statements(text: str) -> Iterator[Statement]:
    state = _Body()
    first: int | None = None  # where the statement, with the comments before it, begins
    last, real = 0, False  # where its last token ends; whether it has more than comments
    skip_to = 0
    for token in tokens(text):
        if token.start < skip_to or token.kind is Lexeme.SPACE:
            continue
        if token.kind is Lexeme.COMMAND:
            if first is not None and real:
                yield Statement(text[first:last], first, last)
            end = token.start + len(text[token.start : token.end].rstrip())
            yield Statement(text[token.start : end], token.start, end, command=True)
            first, real, state = None, False, _Body()
        elif text[token.start] == ";" and state.outermost:
            if first is not None and real:
                yield Statement(text[first:last], first, last)
                skip_to = _after_copied_rows(text, state.words, token.end)
            first, real, state = None, False, _Body()
        else:
            first = token.start if first is None else first
            if token.kind is not Lexeme.COMMENT:
                state.take(text, token)
                last, real = token.end, True
    if first is not None and real:
        yield Statement(text[first:last], first, last)


class _Body:
    """How deep a token stands in parentheses and in the body of a routine, by the rules psql follows."""

    __slots__ = ("blocks", "parentheses", "routine", "words")

    def __init__(self) -> None:
        self.parentheses = 0
        self.blocks = 0
        self.routine = False
        self.words: list[str] = []  # the first few, and for COPY the last too

    @property
    def outermost(self) -> bool:
        return self.parentheses <= 0 and self.blocks == 0

    def take(self, text: str, token: Token) -> None:
        if token.kind is Lexeme.SYMBOL:
            mark = text[token.start]
            if mark == "(":
                self.parentheses += 1
            elif mark == ")":
                self.parentheses = max(0, self.parentheses - 1)
        elif token.kind is Lexeme.WORD:
            name = word(text, token)
            self._block(name)
            if len(self.words) < 4:
                self.words.append(name)
                self.routine = _is_routine(self.words)
            elif self.words[0] == "copy":
                self.words.append(name)

    def _block(self, name: str) -> None:
        if not self.routine:
            return
        if name == "begin" or (name == "case" and self.blocks):
            self.blocks += 1
        elif name == "end" and self.blocks:
            self.blocks -= 1


def _is_routine(words: Sequence[str]) -> bool:
    rest = words[3:] if words[1:3] == ["or", "replace"] else words[1:]
    return words[0] == "create" and bool(rest) and rest[0] in ("function", "procedure")


def _after_copied_rows(text: str, words: Sequence[str], at: int) -> int:
    """The end of the rows that pg_dump writes below COPY … FROM STDIN; `at` where there are none."""
    pairs = pairwise(words)
    if words[:1] != ["copy"] or ("from", "stdin") not in pairs:
        return at
    line_end = text.find("\n", at)
    if line_end < 0:
        return at
    if text.startswith("\\.", line_end + 1):
        return _end_of_line(text, line_end + 1)
    mark = text.find("\n\\.", line_end)
    return at if mark < 0 else _end_of_line(text, mark + 1)


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
