"""What the parameters of a statement are compared with, which values they could have, and a usual one of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dbtui.commands.planners import facts_for
from dbtui.commands.server_plans import explain_on
from dbtui.engines.base import Engine, HasValues, Values
from dbtui.errors import QueryError, UsageError
from dbtui.model.advice import Query
from dbtui.model.plan import Plan
from dbtui.model.statistics import ColumnStatistics
from dbtui.model.sweep import Parameter
from dbtui.plans.parameters import Candidate, bindings, candidates
from dbtui.sql.parameters import Parametrised


@dataclass(frozen=True, slots=True)
class Possible:
    """A parameter, its column, the values to try, and the SQL of its usual value."""

    parameter: Parameter
    column: ColumnStatistics
    candidates: tuple[Candidate, ...]
    usual: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A statement with its parameters and what is known of them."""

    values: Values
    statement: Parametrised
    generic: Plan | None  # None where the server makes no plan without values
    possible: tuple[Possible, ...]
    notes: tuple[str, ...]  # parameters of which nothing is known, and why

    def usual(self, given: Mapping[int, str] | None = None) -> dict[int, str]:
        """SQL for each parameter: what is given, else what stood in the statement, else the usual value.

        Raises UsageError where one has none.
        """
        found = {
            **{one.parameter.number: one.usual for one in self.possible},
            **self.statement.counts,
            **self.statement.given,
            **(given or {}),
        }
        missing = sorted(self.statement.numbers - found.keys())
        if missing:
            listed = ", ".join(f"${number}" for number in missing)
            unknown = f"no column of a table is compared with {listed}, so that its values cannot be known"
            raise UsageError("; ".join(self.notes) or unknown, f"give one as SQL: --value {missing[0]}=…")
        return found


async def subject_of(engine: Engine, sql: str, database: str = "") -> Subject:
    """Look up what is known of a statement's parameters; nothing is run.

    Raises UsageError where the engine has no such values or the statement compares nothing with one, InputError
    where it is not understood, and what explaining raises.
    """
    if not isinstance(engine, HasValues):
        raise UsageError(
            "this server does not tell which values there are",
            "write some into the statement, and compare plans",
        )
    statement = engine.values.parametrised(sql)
    generic: Plan | None = None
    if engine.values.generic:
        generic = await explain_on(engine, statement.sql, database=database)
        parameters = bindings(generic)
    else:
        parameters = await _by_the_words(engine, statement.sql, database)
    if not parameters:
        raise UsageError("no column is compared with a value here", "there is nothing to vary")
    possible, notes = await _possible(engine.values, parameters, database)
    return Subject(engine.values, statement, generic, tuple(possible), tuple(notes))


async def with_usual_values(engine: Engine, sql: str, database: str = "") -> tuple[str, str]:
    """A statement with usual values in the place of its placeholders, and a note that names them."""
    subject = await subject_of(engine, sql, database)
    usual = subject.usual()
    told = [f"{one.parameter.column} {one.parameter.operator} {one.usual}" for one in subject.possible]
    return subject.statement.with_values(usual), f"made with usual values: {', '.join(told)}"


async def _by_the_words(engine: Engine, sql: str, database: str) -> tuple[Parameter, ...]:
    from dbtui.advice.bindings import bindings as bindings_in  # it brings the SQL parser

    return bindings_in(sql, await facts_for(engine, [Query(sql)], database))


async def _possible(
    values: Values, parameters: Sequence[Parameter], database: str
) -> tuple[list[Possible], list[str]]:
    """The parameters whose column has known values, and what is to be said of the others."""
    found, notes = [], []
    for one in parameters:
        try:
            column = await values.column(one, database=database)
        except QueryError as error:
            notes.append(f"${one.number}, {one.place}: {error}")
            continue
        tried = candidates(one, column)
        if not tried:
            notes.append(f"${one.number}, {one.place}: it has no values")
            continue
        usual = next((c for c in tried if c.kind == "common"), tried[_place_of_usual(one, len(tried))])
        found.append(Possible(one, column, tried, values.literal(usual.value, column.type)))
    return found, notes


def _place_of_usual(parameter: Parameter, count: int) -> int:
    """Of a range the middle, a step outwards, so that between two limits there is something."""
    step = {">": -1, "<": 1}.get(parameter.operator[0], 0)
    return max(0, min(count - 1, count // 2 + step))
