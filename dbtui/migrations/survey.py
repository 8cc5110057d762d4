"""A plan for a live server: what its surveyor says of the tables that the files are about goes into the planner."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from dbtui.engines.base import Engine
from dbtui.errors import QueryTimeout, UsageError
from dbtui.migrations.conditions import answer
from dbtui.migrations.files import MigrationFile
from dbtui.migrations.parse import parse
from dbtui.migrations.planner import make
from dbtui.migrations.planner.documents import make_for
from dbtui.model.change import ChangePlan, ChangeStep, Condition, Kind, Phase
from dbtui.model.migration import Engine as Dialect
from dbtui.model.migration import Relation
from dbtui.model.survey import Survey, Surveyed

_DROPS_VIEW = re.compile(r"DROP\s+(MATERIALIZED\s+)?VIEW\b", re.I)
_LOOK, _LOOKS = 5.0, 20.0  # seconds for one look at rows while a plan is made, and for all of them


async def surveyed(
    engine: Engine,
    files: Sequence[MigrationFile],
    before: Sequence[MigrationFile] = (),
    *,
    database: str = "",
    interval: float = 2.0,
) -> ChangePlan:
    """The plan for migration files on an open engine, whose counters are read twice, `interval` seconds apart.

    Raises UsageError for an engine without a planner, and what the engine's questions raise.
    """
    if not isinstance(engine, Surveyed):
        return await _checked(engine, make_for(engine.name, files))
    survey = await look(engine, files, database=database, interval=interval)
    return await _checked(engine, make(files, engine.surveyor.dialect, survey.version, before, survey))


async def _checked(engine: Engine, plan: ChangePlan) -> ChangePlan:
    """The plan, in which a step over whose rows it would fail now says so, or that this was not seen."""
    until = time.monotonic() + _LOOKS
    steps = []
    for step in plan.steps:
        first = step.kind is Kind.CHECK and step.phase is Phase.PREPARE
        asked = (*step.foreseen, *(step.preconditions if first else ()))
        mended = _mended(plan, step)
        found = [
            await _now(engine, one, plan.database, until - time.monotonic(), mended=mended) for one in asked
        ]
        steps.append(replace(step, notes=(*step.notes, *filter(None, found))))
    return replace(plan, steps=tuple(steps))


def _mended(plan: ChangePlan, step: ChangeStep) -> int | None:
    """The number of a step before it that writes rows of its table or, for a check, drops a view."""
    for one in plan.steps[: step.number - 1]:
        writes = one.kind in (Kind.BACKFILL, Kind.DATA) and one.relation == step.relation
        if writes or (step.kind is Kind.CHECK and any(map(_DROPS_VIEW.match, one.statements))):
            return one.number
    return None


async def _now(
    engine: Engine, condition: Condition, database: str, left: float, *, mended: int | None
) -> str:
    if left <= 0:
        return f"it was not looked for whether {condition.means}: other looks took {_LOOKS:g} s"
    try:
        found = await answer(engine, condition, database, min(left, _LOOK))
    except QueryTimeout:
        return f"it takes longer than {_LOOK:g} s to see whether {condition.means}"
    if found is not False:
        return ""
    unless = f", unless step {mended} mends it" if mended is not None else ""
    return f"AS IT STANDS THIS FAILS{unless}: it is not so that {condition.means}"


async def look(
    engine: Surveyed, files: Sequence[MigrationFile], *, database: str = "", interval: float = 2.0
) -> Survey:
    """What the server says of the tables that these files name."""
    surveyor = engine.surveyor
    return await surveyor.survey(tuple(named(files, surveyor.dialect)), database, interval=interval)


def named(files: Iterable[MigrationFile], dialect: Dialect) -> list[Relation]:
    """Every relation that the statements are about or refer to, once."""
    found: dict[Relation, None] = {}
    for file in files:
        for statement in parse(file.text, dialect, file.name):
            for action in statement.actions:
                made = [
                    action.constraint,
                    *action.constraints,
                    *(action.column.constraints if action.column else ()),
                ]
                pointed = [one.references for one in made if one is not None and one.references is not None]
                for relation in (action.relation, *action.others, *pointed):
                    if relation.name:
                        found[relation] = None
    return list(found)


async def live_schema(engine: Engine, database: str = "") -> MigrationFile:
    """The DDL of everything that an open engine's database holds. Raises UsageError for engines without DDL."""
    if not isinstance(engine, Surveyed):
        raise UsageError(
            f"{engine.name} has no DDL to compare", "compare PostgreSQL, MySQL, MariaDB or SQLite"
        )
    found = await engine.surveyor.survey((), database, interval=0.0)
    return MigrationFile("live schema", found.ddl)
