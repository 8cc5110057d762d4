"""The parameters of a statement: which column each is compared with, and which values it could have.

A generic plan says which column a placeholder is compared with: `Index Cond: (customer_id = $1)`. The column's
statistics then say which values are common, rare or out of range.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dbtui.model.plan import Plan
from dbtui.model.statistics import ColumnStatistics
from dbtui.model.sweep import Parameter

_IDENTIFIER = r'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]{0,62})'
_BOUND = re.compile(
    rf"\(\(?(?:{_IDENTIFIER}\.)?({_IDENTIFIER})\)?(?:::[a-z ]{{1,30}})? (=|<|>|<=|>=|~~) \(?\$(\d{{1,4}})\b"
)
_LIST = re.compile(
    rf"\(\(?(?:{_IDENTIFIER}\.)?({_IDENTIFIER})\)?(?:::[a-z ]{{1,30}})? = ANY \(+ARRAY\[([^\]]{{1,4000}})\]"
)
_NUMBER = re.compile(r"\$(\d{1,4})\b")
_CONDITIONS = ("Index Cond", "Recheck Cond", "Filter")
QUANTILES = (0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
MOST_COMMON = 6  # of an equality's common values that are tried


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that a parameter could have. `share` is how much of the table has it, where that is known."""

    value: str
    kind: str  # "common", "rare", "out of range", "at 25 %"
    share: float | None


def bindings(generic: Plan) -> tuple[Parameter, ...]:
    """The column of each placeholder that a scan of the plan compares with one."""
    found: dict[int, Parameter] = {}
    for node in generic.nodes:
        table, schema = str(node.raw.get("Relation Name") or ""), str(node.raw.get("Schema") or "")
        if not table:
            continue
        for key in _CONDITIONS:
            for column, operator, number in _compared(str(node.raw.get(key, ""))):
                name = column[1:-1].replace('""', '"') if column.startswith('"') else column
                found.setdefault(number, Parameter(number, schema, table, name, operator))
    return tuple(found[number] for number in sorted(found))


def _compared(condition: str) -> Iterator[tuple[str, str, int]]:
    """Column, operator and placeholder of each comparison, with each of a list's."""
    for column, operator, number in _BOUND.findall(condition):
        yield column, "like" if operator == "~~" else operator, int(number)
    for column, listed in _LIST.findall(condition):
        for number in _NUMBER.findall(listed):
            yield column, "=", int(number)


def candidates(parameter: Parameter, column: ColumnStatistics) -> tuple[Candidate, ...]:
    """Values to try, in the order in which the plan may flip: from frequent to rare, or from low to high."""
    if parameter.of_one:
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
    bounds = _in_order(column)
    if not bounds:
        return []
    found = {round(share * (len(bounds) - 1)): share for share in shares}
    return [(share, bounds[at]) for at, share in sorted(found.items())]


def _outside(column: ColumnStatistics) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    """A value below and one above all that are known, where the type has them."""
    values = _in_order(column)
    low, high = (values[0], values[-1]) if values else ("", "")
    ends = beyond(low, column.type, -1), beyond(high, column.type, 1)
    below, above = (() if end is None else (Candidate(end, "out of range", 0.0),) for end in ends)
    return below, above


def _in_order(column: ColumnStatistics) -> tuple[str, ...]:
    """The histogram's values; of a column without one the common values, as numbers where they are all numbers."""
    if column.bounds:
        return column.bounds
    values = [value for value, _ in column.common]
    try:
        return tuple(sorted(values, key=float))
    except ValueError:
        return tuple(sorted(values))


_ENDS = {  # of types whose values are no numbers, below and above all that one meets
    "date": ("0900-01-01", "9000-01-01"),
    "timestamp": ("0900-01-01", "9000-01-01"),
    "datetime": ("0900-01-01", "9000-01-01"),
    "interval": ("-9000 years", "9000 years"),
    "time": ("00:00:00", "23:59:59.999999"),
    "uuid": ("0" * 32, "f" * 32),
    "inet": ("0.0.0.1", "255.255.255.255"),
}
_LARGEST = {
    "tinyint": 127, "smallint": 32_767, "mediumint": 8_388_607, "int": 2_147_483_647, "integer": 2_147_483_647,
    **dict.fromkeys(("bigint", "numeric", "decimal", "real", "float", "double"), 9_000_000_000_000_000),
}  # fmt: skip
_TEXTS = frozenset(
    {"text", "tinytext", "mediumtext", "longtext", "char", "varchar", "character", "name", "citext"}
)


def beyond(value: str, type_name: str, direction: int) -> str | None:
    """A value of a type that lies beyond another one, as text; None where the type has none that is known."""
    kind = re.split(r"\W", type_name.lower(), maxsplit=1)[0]
    if kind in _TEXTS:
        return "" if direction < 0 else f"{value}~~~"
    if kind in _ENDS:
        return _ENDS[kind][direction > 0]
    most = _LARGEST.get(kind)
    try:
        number = float(value)
    except ValueError:
        return None
    if most is None:
        return None
    return str(int(max(-most, min(most, number + direction * max(1_000_000.0, abs(number))))))
