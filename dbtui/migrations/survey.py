"""A plan for a live server: what its surveyor says of the tables that the files are about goes into the planner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dbtui.engines.base import Engine
from dbtui.errors import UsageError
from dbtui.migrations.files import MigrationFile
from dbtui.migrations.parse import parse
from dbtui.migrations.planner import make
from dbtui.migrations.planner.documents import make_for
from dbtui.model.change import ChangePlan
from dbtui.model.migration import Engine as Dialect
from dbtui.model.migration import Relation
from dbtui.model.survey import Survey, Surveyed


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
        return make_for(engine.name, files)
    survey = await look(engine, files, database=database, interval=interval)
    return make(files, engine.surveyor.dialect, survey.version, before, survey)


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
