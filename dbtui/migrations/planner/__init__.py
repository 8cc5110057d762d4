"""From what the user wrote to a plan: numbered steps that make the same change and hurt nobody.

`make` plans migration files for the SQL engines, with or without facts of a live server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dbtui.migrations.assess import DEFAULT_VERSIONS, walk
from dbtui.migrations.files import MigrationFile
from dbtui.migrations.planner.numbers import numbered
from dbtui.migrations.planner.passing import passing
from dbtui.migrations.planner.weigh import weigh
from dbtui.model.change import ChangePlan, ChangeStep, Kind, Phase, Source
from dbtui.model.migration import Action, Assessed, Engine
from dbtui.model.survey import Survey
from dbtui.rules.migration.step import Step

if TYPE_CHECKING:
    from dbtui.migrations.planner.swap import Swaps


def make(
    files: Sequence[MigrationFile],
    engine: Engine,
    version: tuple[int, ...] | None = None,
    before: Sequence[MigrationFile] = (),
    survey: Survey | None = None,
    *,
    title: str = "",
) -> ChangePlan:
    """The plan for migration files.

    `before` is DDL of what exists already. `survey` is what a live server says of it: its schema comes on top
    of `before`, its figures make the estimates, its version replaces `version`.
    """
    version = survey.version if survey is not None else version or DEFAULT_VERSIONS[engine]
    there = (*before, *((MigrationFile("live", survey.ddl),) if survey is not None and survey.ddl else ()))
    own = [replace(file, transaction="none") for file in files]
    source: list[Source] = []
    actions: list[tuple[Action, ...]] = []
    drafts: list[ChangeStep] = []
    swaps = _swaps(engine)
    planned = _planner(engine, there)
    for place, assessed in walk(own, engine, version, there):
        number = len(source)
        source.append(_source(assessed))
        actions.append(assessed.statement.actions)
        drafts += [replace(step, source=number) for step in planned(place, survey)]
        if swaps is not None:
            swaps.take(number, place)
    weighed = weigh(_in_order(swaps.joined(drafts) if swaps else drafts), engine, version, there, survey)
    return ChangePlan(
        engine=engine.value,
        server=survey.identity if survey is not None else "",
        database=survey.database if survey is not None else "",
        source=tuple(source),
        steps=numbered(passing(weighed, actions, engine)),
        title=title or _title(files),
        version=".".join(map(str, version)),
        notes=_notes(survey) if survey is not None else (),
        evidence=survey.evidence if survey is not None else {},
    )


def _notes(survey: Survey) -> tuple[str, ...]:
    """What the server says of itself, and what it does not say."""
    return (*survey.notes, *(f"not known: {what}" for what in survey.unknown))


def _planner(
    engine: Engine, before: Sequence[MigrationFile]
) -> Callable[[Step, Survey | None], Iterator[ChangeStep]]:
    """What turns each statement into steps, from the module of an engine, imported on first use."""
    if engine is Engine.POSTGRESQL:
        from dbtui.migrations.planner import postgresql

        return lambda place, survey: postgresql.steps(place)
    if engine is Engine.SQLITE:
        from dbtui.migrations.planner import sqlite

        return sqlite.planner(before)
    from dbtui.migrations.planner import mysql

    return mysql.steps


def _swaps(engine: Engine) -> Swaps | None:
    """Who keeps swaps of names together; only PostgreSQL has DDL in transactions and names that move in them."""
    if engine is not Engine.POSTGRESQL:
        return None
    from dbtui.migrations.planner.swap import Swaps

    return Swaps()


def _source(assessed: Assessed) -> Source:
    statement = assessed.statement
    return Source(
        statement.sql, statement.file, statement.line, assessed.safe, assessed.findings, statement.understood
    )


def _in_order(drafts: Sequence[ChangeStep]) -> list[ChangeStep]:
    """Steps in the order of their statements; what only clears away goes to the end of the plan.

    That is what follows a wait for people, unless a later statement is about the same table, or the user's own
    words are part of it: others may have been written to come after those.
    """
    now: list[ChangeStep] = []
    later: list[ChangeStep] = []
    statements: dict[int | None, list[ChangeStep]] = {}
    for step in drafts:
        statements.setdefault(step.source, []).append(step)
    last = {step.relation: number for number, own in statements.items() for step in own}
    for number, own in statements.items():
        taken = any(last[step.relation] != number for step in own)
        wait = next(
            (p for p, s in enumerate(own) if s.kind is Kind.APPLICATION and s.phase is Phase.CONTRACT), 0
        )
        if not wait or taken or any(step.verbatim for step in own[wait:]):
            wait = len(own)
        now += own[:wait]
        later += own[wait:]
    return now + later


def _title(files: Sequence[MigrationFile]) -> str:
    return files[0].name.rpartition("/")[2].removesuffix(".sql") if files else ""
