"""The plan of a statement for common, rare and out-of-range values, and where it flips. Nothing is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from dbtui.commands.planners import facts_for
from dbtui.commands.server_plans import explain_on
from dbtui.engines.base import Engine, HasValues, Values
from dbtui.errors import QueryError, UsageError
from dbtui.model.advice import Query
from dbtui.model.plan import Plan
from dbtui.model.statistics import ColumnStatistics
from dbtui.model.sweep import Flip, Parameter, Sweep, Tried
from dbtui.plans.compare import shape
from dbtui.plans.parameters import Candidate, bindings, candidates, quantiles
from dbtui.sql.parameters import Parametrised

MOST_PLANS = 80  # of one sweep
_NARROW = 6  # times that the stretch in which the plan flips is halved


@dataclass(slots=True)
class _Varied:
    """A parameter that can be varied: its column, the values to try, and the SQL of its usual value."""

    parameter: Parameter
    column: ColumnStatistics
    candidates: tuple[Candidate, ...]
    usual: str


@dataclass(slots=True)
class _Asker:
    """Asks the engine for the plan of the statement with values."""

    engine: Engine
    values: Values
    subject: Parametrised
    database: str
    usual: dict[int, str] = field(default_factory=dict)
    asked: int = 0

    async def plan(self, values: Mapping[int, str]) -> Plan:
        self.asked += 1
        text = self.subject.with_values({**self.usual, **values})
        return await explain_on(self.engine, text, database=self.database)


async def sweep(
    engine: Engine, sql: str, *, database: str = "", values: Mapping[int, str] | None = None
) -> Sweep:
    """Vary each parameter alone, the others at their commonest value, or at the SQL that `values` gives.

    Raises UsageError where the engine has no such values or the statement compares nothing with one, InputError
    where it is not understood, and what explaining raises.
    """
    if not isinstance(engine, HasValues):
        raise UsageError(
            "this server does not tell which values there are",
            "write some into the statement, and compare plans",
        )
    subject = engine.values.parametrised(sql)
    generic, parameters = await _parameters(engine, subject, database)
    if not parameters:
        raise UsageError("no column is compared with a value here", "there is nothing to vary")
    varied, notes = await _varied(engine.values, parameters, database)
    asker = _Asker(engine, engine.values, subject, database)
    asker.usual = {
        **{one.parameter.number: one.usual for one in varied},
        **subject.counts,
        **subject.given,
        **(values or {}),
    }
    notes += [f"${n} says how many rows: {asker.usual[n]} was taken" for n in sorted(subject.counts)]
    _check_complete(subject, asker.usual)
    tried: list[Tried] = []
    flips: list[Flip] = []
    for one in varied:
        path = await _path(asker, one)
        tried += path
        flips += [Flip(a, b) for a, b in pairwise(path) if a.shape != b.shape]
    if asker.asked >= MOST_PLANS:
        notes.append(f"stopped after {MOST_PLANS} plans")
    generic_shape = shape(generic) if generic is not None else ""
    return Sweep(subject.sql, generic, generic_shape, tuple(tried), tuple(flips), tuple(notes))


async def _parameters(
    engine: Engine, subject: Parametrised, database: str
) -> tuple[Plan | None, tuple[Parameter, ...]]:
    """What each parameter is compared with: by the server's generic plan, else by the words of the statement."""
    assert isinstance(engine, HasValues)
    if engine.values.generic:
        generic = await explain_on(engine, subject.sql, database=database)
        return generic, bindings(generic)
    from dbtui.advice.bindings import bindings as bindings_in  # it brings the SQL parser

    facts = await facts_for(engine, [Query(subject.sql)], database)
    return None, bindings_in(subject.sql, facts)


def _check_complete(subject: Parametrised, usual: Mapping[int, str]) -> None:
    missing = sorted(subject.numbers - usual.keys())
    if missing:
        listed = ", ".join(f"${number}" for number in missing)
        raise UsageError(
            f"no column of a table is compared with {listed}, so that its values cannot be known",
            f"give one as SQL: --value {missing[0]}=…",
        )


async def _varied(
    values: Values, parameters: Sequence[Parameter], database: str
) -> tuple[list[_Varied], list[str]]:
    """The parameters whose column has known values, and what is to be said of the others."""
    varied, notes = [], []
    for one in parameters:
        try:
            column = await values.column(one, database=database)
        except QueryError as error:
            notes.append(f"${one.number}, {one.place}: {error}")
            continue
        found = candidates(one, column)
        usual = next((c for c in found if c.kind == "common"), found[_place_of_usual(one, len(found))])
        varied.append(_Varied(one, column, found, values.literal(usual.value, column.type)))
    return varied, notes


def _place_of_usual(parameter: Parameter, count: int) -> int:
    """Of a range the middle, a step outwards, so that between two limits there is something."""
    step = {">": -1, "<": 1}.get(parameter.operator[0], 0)
    return max(0, min(count - 1, count // 2 + step))


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
    if varied.parameter.operator == "=":
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
    value = asker.values.literal(candidate.value, varied.column.type)
    plan = await asker.plan({varied.parameter.number: value})
    return Tried(varied.parameter, candidate.value, candidate.kind, candidate.share, shape(plan), plan)
