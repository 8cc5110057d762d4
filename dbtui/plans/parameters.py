"""The values of a statement as parameters: which column each is compared with, and what else it could be.

A generic plan says which column a placeholder is compared with: `Index Cond: (customer_id = $1)`. The column's
statistics then say which values are common, rare or out of range.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dbtui.model.plan import Plan
from dbtui.model.statistics import ColumnStatistics
from dbtui.sql.lex import Lexeme, Token, meaningful, tokens, word
from dbtui.sql.mask import is_literal, placeholders

_IDENTIFIER = r'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]{0,62})'
_BOUND = re.compile(
    rf"\(\(?(?:{_IDENTIFIER}\.)?({_IDENTIFIER})\)?(?:::[a-z ]{{1,30}})? (=|<|>|<=|>=) \(?\$(\d{{1,4}})\b"
)
_CONDITIONS = ("Index Cond", "Recheck Cond", "Filter")
_COMPARES = frozenset("=<>")
QUANTILES = (0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
MOST_COMMON = 6  # of an equality's common values that are tried


@dataclass(frozen=True, slots=True)
class Bound:
    """A placeholder, and the column that it is compared with."""

    number: int
    schema: str
    table: str
    column: str  # as the server writes it in the table, without quotes
    operator: str  # = < > <= >=


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that a parameter could have. `share` is how much of the table has it, where that is known."""

    value: str
    kind: str  # "common", "rare", "out of range", "at 25 %"
    share: float | None


@dataclass(frozen=True, slots=True)
class Parametrised:
    """A statement whose values are placeholders, and the values that stood in it, as SQL."""

    sql: str
    given: Mapping[int, str]


def parametrised(sql: str) -> Parametrised:
    """A statement with placeholders for the values that are compared; one that has placeholders as it is."""
    if placeholders(sql):
        return Parametrised(sql, {})
    compared = _compared(sql)
    pieces: list[str] = []
    given: dict[int, str] = {}
    for token in tokens(sql):
        text = sql[token.start : token.end]
        if token in compared:
            given[len(given) + 1] = text
            text = f"${len(given)}"
        pieces.append(text)
    return Parametrised("".join(pieces), given)


def _compared(sql: str) -> set[Token]:
    """Literals behind a comparison: those in lists, limits and grouping stay what they are."""
    parts = list(meaningful(sql))
    return {
        token
        for at, token in enumerate(parts)
        if at and is_literal(token) and (sql[parts[at - 1].start] in _COMPARES or _in_between(sql, parts, at))
    }


def _in_between(sql: str, parts: Sequence[Token], at: int) -> bool:
    """Whether a token is one of the two limits of BETWEEN."""
    words = [word(sql, part) for part in parts[max(0, at - 3) : at]]
    return words[-1:] == ["between"] or (words[:1] == ["between"] and words[-1] == "and")


def bindings(generic: Plan) -> tuple[Bound, ...]:
    """The column of each placeholder that a scan of the plan compares with one."""
    found: dict[int, Bound] = {}
    for node in generic.nodes:
        table, schema = str(node.raw.get("Relation Name") or ""), str(node.raw.get("Schema") or "")
        if not table:
            continue
        for key in _CONDITIONS:
            for column, operator, number in _BOUND.findall(str(node.raw.get(key, ""))):
                name = column[1:-1].replace('""', '"') if column.startswith('"') else column
                found.setdefault(int(number), Bound(int(number), schema, table, name, operator))
    return tuple(found[number] for number in sorted(found))


def candidates(bound: Bound, column: ColumnStatistics) -> tuple[Candidate, ...]:
    """Values to try, in the order in which the plan may flip: from frequent to rare, or from low to high."""
    if bound.operator == "=":
        return (*_frequencies(column), *_outside(column)[1])
    low, high = _outside(column)
    inside = tuple(
        Candidate(value, f"at {share * 100:g} %", None) for share, value in quantiles(column, QUANTILES)
    )
    return (*low, *inside, *high)


def _frequencies(column: ColumnStatistics) -> tuple[Candidate, ...]:
    common = [Candidate(value, "common", share) for value, share in column.common]
    if len(common) > MOST_COMMON:
        step = (len(common) - 1) / (MOST_COMMON - 1)
        common = [common[round(step * at)] for at in range(MOST_COMMON)]
    rare = column.bounds[len(column.bounds) // 2] if column.bounds else None
    return (*common, *((Candidate(rare, "rare", share_of_a_rare_value(column)),) if rare is not None else ()))


def share_of_a_rare_value(column: ColumnStatistics) -> float | None:
    """What the planner takes for a value that is no common one: the rest, shared out evenly (var_eq_const)."""
    if column.distinct is None:
        return None
    rest = 1.0 - column.null_share - sum(share for _, share in column.common)
    return max(0.0, rest) / max(1.0, column.distinct - len(column.common))


def quantiles(column: ColumnStatistics, shares: Sequence[float]) -> list[tuple[float, str]]:
    """Values before which a share of those in the histogram lies; few where the histogram is short."""
    bounds = column.bounds or tuple(value for value, _ in column.common)
    if not bounds:
        return []
    found = {round(share * (len(bounds) - 1)): share for share in shares}
    return [(share, bounds[at]) for at, share in sorted(found.items())]


def _outside(column: ColumnStatistics) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    """A value below and one above all that are known, where the type has them."""
    values = column.bounds or tuple(value for value, _ in column.common)
    low, high = (values[0], values[-1]) if values else ("", "")
    ends = beyond(low, column.type, -1), beyond(high, column.type, 1)
    below, above = (() if end is None else (Candidate(end, "out of range", 0.0),) for end in ends)
    return below, above


_ENDS = {  # of types whose values are no numbers, below and above all that one meets
    "date": ("0900-01-01", "9000-01-01"),
    "timestamp": ("0900-01-01", "9000-01-01"),
    "interval": ("-9000 years", "9000 years"),
    "time": ("00:00:00", "23:59:59.999999"),
    "uuid": ("0" * 32, "f" * 32),
    "inet": ("0.0.0.1", "255.255.255.255"),
}
_LARGEST = {"smallint": 32_767, "integer": 2_147_483_647}
_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_TEXTS = ("text", "character", "name", "citext")


def beyond(value: str, type_name: str, direction: int) -> str | None:
    """A value of a type that lies beyond another one, as text; None where the type has none that is known."""
    kind = type_name.partition("(")[0]
    if kind.startswith(_TEXTS):
        return "" if direction < 0 else f"{value}~~~"
    if kind.startswith(_NUMBERS):
        try:
            number = float(value)
        except ValueError:
            return None
        most = _LARGEST.get(kind, 9_000_000_000_000_000)
        return str(int(max(-most, min(most, number + direction * max(1_000_000.0, abs(number))))))
    ends = next((ends for name, ends in _ENDS.items() if kind.startswith(name)), None)
    return None if ends is None else ends[direction > 0]


def with_values(sql: str, values: Mapping[int, str]) -> str:
    """A statement with SQL in the place of its placeholders. A placeholder without a value stays."""
    pieces = []
    for token in tokens(sql):
        text = sql[token.start : token.end]
        if token.kind is Lexeme.PLACEHOLDER:
            text = values.get(int(text[1:]), text)
        pieces.append(text)
    return "".join(pieces)


def literal(value: str, type_name: str) -> str:
    """A value as SQL of a type."""
    quoted = value.replace("'", "''")
    start = "E'" if "\\" in value else "'"
    body = quoted.replace("\\", "\\\\") if start == "E'" else quoted
    return f"{start}{body}'::{type_name}"
