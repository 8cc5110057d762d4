"""The values of a statement as parameters, by its words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dbtui.sql.lex import Lexeme, Token
from dbtui.sql.mask import is_literal

_COMPARES = frozenset("=<>")
_TYPES = frozenset({"date", "time", "timestamp", "timestamptz", "interval"})  # stand before a value: date '…'
# the word before a number of rows, and a usual number of them
_COUNTS = {"limit": "10", "offset": "0", "first": "10", "next": "10"}


@dataclass(frozen=True, slots=True)
class Parametrised:
    """A statement whose values are parameters, numbered from 1, and the values that stood there, as SQL."""

    pieces: tuple[str | int, ...]  # text as it stands, and the number of a parameter in its place
    given: Mapping[int, str]
    counts: Mapping[int, str]  # those that say how many rows are wanted, and a usual number of them

    @property
    def numbers(self) -> frozenset[int]:
        """The parameters."""
        return frozenset(piece for piece in self.pieces if isinstance(piece, int))

    @property
    def sql(self) -> str:
        """The statement with `$n` for its parameters."""
        return self.with_values({})

    def with_values(self, values: Mapping[int, str]) -> str:
        """The statement with SQL in the place of its parameters. One without a value is `$n`."""
        return "".join(
            piece if isinstance(piece, str) else values.get(piece, f"${piece}") for piece in self.pieces
        )


def parametrised(sql: str, tokens: Iterable[Token]) -> Parametrised:
    """A statement, as its dialect's tokens, with parameters for its placeholders (`$n`, or `?` by their order).

    Where it has none, the values that are compared become parameters; those in lists and of LIMIT and grouping stay.
    """
    parts = [token for token in tokens if token.kind not in (Lexeme.SPACE, Lexeme.COMMENT)]
    places = list(_placeholders(sql, parts))
    given: dict[int, str] = {}
    if not places:
        places = [(start, end, number) for number, (start, end) in enumerate(_compared(sql, parts), 1)]
        given = {number: sql[start:end] for start, end, number in places}
    words = {token.end: _word(sql, token) for token in parts}
    pieces: list[str | int] = []
    counts: dict[int, str] = {}
    done = last = 0
    for start, end, number in places:
        lead = sql[done:start]
        before = words.get(done + len(lead.rstrip()), "")
        if before in _COUNTS or (lead.strip() == "," and last in counts):  # LIMIT ?, ?
            counts[number] = _COUNTS.get(before, "10")
        pieces += [lead, number]
        done, last = end, number
    return Parametrised((*pieces, sql[done:]), given, counts)


def _placeholders(sql: str, parts: Sequence[Token]) -> Iterator[tuple[int, int, int]]:
    """Start, end and number of each."""
    count = 0
    for token in parts:
        if token.kind is Lexeme.PLACEHOLDER and token.end - token.start < 8:
            count += 1
            yield token.start, token.end, int(sql[token.start + 1 : token.end] or count)


def _compared(sql: str, parts: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Start and end of the values behind a comparison, with the name of a type that stands before them."""
    for at, token in enumerate(parts):
        if not is_literal(token):
            continue
        first = at - 1 if at and _word(sql, parts[at - 1]) in _TYPES else at
        if first and (sql[parts[first - 1].start] in _COMPARES or _in_between(sql, parts, first)):
            yield parts[first].start, token.end


def _in_between(sql: str, parts: Sequence[Token], at: int) -> bool:
    """Whether one of the two limits of BETWEEN begins here."""
    words = [_word(sql, part) for part in parts[max(0, at - 4) : at]]
    if words[-1] != "and":
        return words[-1] == "between"
    return "between" in words[-3:-2] or (words[0] == "between" and words[1] in _TYPES)


def _word(sql: str, token: Token) -> str:
    return sql[token.start : token.end].lower() if token.kind is Lexeme.WORD else ""
