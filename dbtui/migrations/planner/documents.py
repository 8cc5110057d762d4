"""Plans for engines without SQL: which module plans for which."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module

from dbtui.errors import UsageError
from dbtui.migrations.files import MigrationFile
from dbtui.migrations.planner.numbers import numbered
from dbtui.model.change import ChangePlan, ChangeStep, Source

_ENGINES = ("mongodb", "elasticsearch", "redis")


def make_for(
    engine: str, files: Sequence[MigrationFile], *, server: str = "", database: str = ""
) -> ChangePlan:
    """The plan for files in an engine's own words. Raises UsageError for an engine that has no planner.

    MongoDB: calls of the shell (`db.orders.createIndex(…)`). Elasticsearch: requests of its console
    (`PUT /orders/_mapping` and a JSON body). Redis: a command a line, in which a key may be a pattern.
    """
    if engine not in _ENGINES:
        raise UsageError(
            f"no plans are made for {engine}", "plans are made for SQL engines, MongoDB, and Redis"
        )
    module = import_module(f"dbtui.migrations.planner.{engine}")
    read: Callable[[str, str], Iterator[tuple[Source, tuple[ChangeStep, ...]]]] = module.read
    source: list[Source] = []
    steps: list[ChangeStep] = []
    for file in files:
        for one, made in read(file.text, file.name):
            steps += [replace(step, source=len(source)) for step in made]
            source.append(one)
    title = files[0].name.rpartition("/")[2].partition(".")[0] if files else ""
    return ChangePlan(engine, server, database, tuple(source), numbered(steps), title)
