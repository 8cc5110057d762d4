"""The plan of a statement for common, rare and out-of-range values, and where it flips. Nothing is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from dbtui.commands.server_plans import explain_on
from dbtui.engines.base import Engine, HasStatistics
from dbtui.errors import UsageError
from dbtui.model.plan import Plan
from dbtui.model.statistics import ColumnStatistics
from dbtui.model.sweep import Flip, Parameter, Sweep, Tried
from dbtui.plans.compare import shape
from dbtui.plans.parameters import (
    Bound,
    Candidate,
    Parametrised,
    bindings,
    candidates,
    literal,
    parametrised,
    quantiles,
    with_values,
)
from dbtui.sql.mask import placeholders

MOST_PLANS = 80  # of one sweep
_NARROW = 6  # times that the stretch in which the plan flips is halved


@dataclass(slots=True)
class _Varied:
    """A parameter that can be varied: its column, the values to try, and the SQL of its usual value."""

    bound: Bound
    column: ColumnStatistics
    candidates: tuple[Candidate, ...]
    usual: str


@dataclass(slots=True)
class _Asker:
    """Asks the engine for the plan of the statement with values."""

    engine: Engine
    subject: Parametrised
    database: str
    usual: dict[int, str] = field(default_factory=dict)
    asked: int = 0

    async def plan(self, values: Mapping[int, str]) -> Plan:
        self.asked += 1
        text = with_values(self.subject.sql, {**self.usual, **values})
        return await explain_on(self.engine, text, database=self.database)


async def sweep(
    engine: Engine, sql: str, *, database: str = "", values: Mapping[int, str] | None = None
) -> Sweep:
    """Vary each parameter alone, the others at their commonest value, or at the SQL that `values` gives.

    Raises UsageError where the engine tells no statistics or the statement compares nothing with a value, and
    what explaining raises.
    """
    if not isinstance(engine, HasStatistics):
        raise UsageError(
            "values are taken from PostgreSQL's statistics only",
            "write some into the statement, and compare plans",
        )
    subject = parametrised(sql)
    generic = await explain_on(engine, subject.sql, database=database)
    bound = bindings(generic)
    if not bound:
        raise UsageError("no column is compared with a value here", "there is nothing to vary")
    varied, notes = await _columns(engine, bound, database)
    asker = _Asker(engine, subject, database)
    asker.usual = {**{one.bound.number: one.usual for one in varied}, **subject.given, **(values or {})}
    _check_complete(subject.sql, asker.usual)
    tried: list[Tried] = []
    flips: list[Flip] = []
    for one in varied:
        path = await _path(asker, one)
        tried += path
        flips += [Flip(a, b) for a, b in pairwise(path) if a.shape != b.shape]
    if asker.asked >= MOST_PLANS:
        notes.append(f"stopped after {MOST_PLANS} plans")
    return Sweep(subject.sql, generic, shape(generic), tuple(tried), tuple(flips), tuple(notes))


def _check_complete(sql: str, usual: Mapping[int, str]) -> None:
    missing = [number for number in range(1, placeholders(sql) + 1) if number not in usual]
    if missing:
        listed = ", ".join(f"${number}" for number in missing)
        raise UsageError(
            f"no column of a table is compared with {listed}, so that its values cannot be known",
            f"give one as SQL: --value {missing[0]}=…",
        )


async def _columns(
    engine: HasStatistics, bound: Sequence[Bound], database: str
) -> tuple[list[_Varied], list[str]]:
    """The parameters whose column has statistics, and what is to be said of the others."""
    varied, notes = [], []
    for one in bound:
        table = await engine.statistics.table(one.schema, one.table, database=database)
        column = table.columns.get(one.column) if table is not None else None
        where = f"${one.number}, {one.table}.{one.column}"
        if column is None or not (column.common or column.bounds):
            notes.append(f"{where}: it has no statistics that this role may read (ANALYZE, or GRANT SELECT)")
            continue
        found = candidates(one, column)
        usual = next((c for c in found if c.kind == "common"), found[len(found) // 2])
        varied.append(_Varied(one, column, found, literal(usual.value, column.type)))
    return varied, notes


async def _path(asker: _Asker, varied: _Varied) -> list[Tried]:
    """The values tried for one parameter in their order, closer together where the plan flips."""
    path = [
        await _try(asker, varied, candidate) for candidate in varied.candidates if asker.asked < MOST_PLANS
    ]
    at = 0
    while at + 1 < len(path):
        if path[at].shape != path[at + 1].shape:
            between = await _narrowed(asker, varied, path[at], path[at + 1])
            path[at + 1 : at + 1] = between
            at += len(between)
        at += 1
    return path


async def _narrowed(asker: _Asker, varied: _Varied, low: Tried, high: Tried) -> list[Tried]:
    """The two values nearest to the flip, found by halving what lies between."""
    order = _order(varied)
    first, last = low, high
    for _ in range(_NARROW):
        middle = _between(order, first.value, last.value)
        if middle is None or asker.asked >= MOST_PLANS:
            break
        tried = await _try(asker, varied, middle)
        if tried.shape == low.shape:
            first = tried
        else:
            last = tried
    return [one for one in (first, last) if one is not low and one is not high]


def _order(varied: _Varied) -> list[Candidate]:
    """All values that the statistics know, in the order of the candidates."""
    column = varied.column
    if varied.bound.operator == "=":
        return [Candidate(value, "common", share) for value, share in column.common]
    count = max(2, len(column.bounds))
    shares = [at / (count - 1) for at in range(count)]
    return [Candidate(value, f"at {share * 100:.3g} %", None) for share, value in quantiles(column, shares)]


def _between(order: Sequence[Candidate], low: str, high: str) -> Candidate | None:
    places = {candidate.value: at for at, candidate in enumerate(order)}
    start, end = places.get(low, -1), places.get(high, len(order))
    middle = (start + end) // 2
    return order[middle] if start < middle < end else None


async def _try(asker: _Asker, varied: _Varied, candidate: Candidate) -> Tried:
    bound = varied.bound
    plan = await asker.plan({bound.number: literal(candidate.value, varied.column.type)})
    parameter = Parameter(bound.number, f"{bound.schema}.{bound.table}", bound.column, bound.operator)
    return Tried(parameter, candidate.value, candidate.kind, candidate.share, shape(plan), plan)
