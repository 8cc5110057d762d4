"""The plan of a statement for common, rare and out-of-range values, and where it flips. Nothing is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dbtui.commands.server_plans import explain_on
from dbtui.commands.usual_values import Possible, Subject, subject_of
from dbtui.engines.base import Engine
from dbtui.model.plan import Plan
from dbtui.model.sweep import Flip, Sweep, Tried
from dbtui.plans.compare import shape
from dbtui.plans.parameters import Candidate, quantiles

MOST_PLANS = 80  # of one sweep
_NARROW = 6  # times that the stretch in which the plan flips is halved


@dataclass(slots=True)
class _Asker:
    """Asks the engine for the plan of the statement with values."""

    engine: Engine
    subject: Subject
    database: str
    usual: Mapping[int, str]
    asked: int = 0

    async def plan(self, values: Mapping[int, str]) -> Plan:
        self.asked += 1
        text = self.subject.statement.with_values({**self.usual, **values})
        return await explain_on(self.engine, text, database=self.database)


async def sweep(
    engine: Engine, sql: str, *, database: str = "", values: Mapping[int, str] | None = None
) -> Sweep:
    """Vary each parameter alone, the others at their commonest value, or at the SQL that `values` gives.

    Raises what `subject_of` raises, and UsageError for a parameter without a value.
    """
    subject = await subject_of(engine, sql, database)
    asker = _Asker(engine, subject, database, subject.usual(values))
    notes = list(subject.notes)
    notes += [
        f"${n} says how many rows: {asker.usual[n]} was taken" for n in sorted(subject.statement.counts)
    ]
    tried: list[Tried] = []
    flips: list[Flip] = []
    for one in subject.possible:
        path = await _path(asker, one)
        tried += path
        flips += [Flip(a, b) for a, b in pairwise(path) if a.shape != b.shape]
    if asker.asked >= MOST_PLANS:
        notes.append(f"stopped after {MOST_PLANS} plans")
    generic = subject.generic
    generic_shape = shape(generic) if generic is not None else ""
    return Sweep(subject.statement.sql, generic, generic_shape, tuple(tried), tuple(flips), tuple(notes))


async def _path(asker: _Asker, varied: Possible) -> list[Tried]:
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


async def _narrowed(asker: _Asker, varied: Possible, low: Tried, high: Tried) -> list[Tried]:
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


def _order(varied: Possible) -> list[Candidate]:
    """All values that the statistics know, in the order of the candidates."""
    column = varied.column
    if varied.parameter.of_one:
        return [Candidate(value, "common", share) for value, share in column.common]
    count = max(2, len(column.bounds))
    shares = [at / (count - 1) for at in range(count)]
    return [Candidate(value, f"at {share * 100:.3g} %", None) for share, value in quantiles(column, shares)]


def _between(order: Sequence[Candidate], low: str, high: str) -> Candidate | None:
    places = {candidate.value: at for at, candidate in enumerate(order)}
    start, end = places.get(low, -1), places.get(high, len(order))
    middle = (start + end) // 2
    return order[middle] if start < middle < end else None


async def _try(asker: _Asker, varied: Possible, candidate: Candidate) -> Tried:
    value = asker.subject.values.literal(candidate.value, varied.column.type)
    plan = await asker.plan({varied.parameter.number: value})
    return Tried(varied.parameter, candidate.value, candidate.kind, candidate.share, shape(plan), plan)
