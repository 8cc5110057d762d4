"""Statistics objects in a clone: those of the source with their figures, and others, with figures counted there.

PostgreSQL takes such figures as bytes only, in the form of its own (src/backend/statistics/mvdistinct.c and
dependencies.c, `statext_…_serialize`), through a cast that a superuser makes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbtui.engines.postgres.connection import Connection
from dbtui.engines.postgres.source import PostgresSource, SourceStatistics
from dbtui.errors import QueryError, UsageError
from dbtui.sql.lex import meaningful, word
from dbtui.sql.split import split

_DISTINCT, _DEPENDENCIES = 0xA352BFA4, 0xB4549A2C  # STATS_NDISTINCT_MAGIC, STATS_DEPS_MAGIC
_BASIC = 1
_HEADER = struct.Struct("<III")  # magic, type, number of items
_CAST = """
do $$ begin
  create cast (bytea as pg_catalog.{}) without function;
exception when duplicate_object then null; end $$"""
_OBJECTS = """
select x.oid::int8, n.nspname::text, c.relname::text, x.stxexprs is not null, x.stxkind::text[],
       array(select a.attname::text from unnest(x.stxkeys::int2[]) with ordinality as k (number, place)
               join pg_catalog.pg_attribute a on a.attrelid = x.stxrelid and a.attnum = k.number order by place),
       x.stxkeys::int2[]
  from pg_catalog.pg_statistic_ext x
  join pg_catalog.pg_class c on c.oid = x.stxrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace"""

_NAMED = """
select n.nspname::text, x.stxname::text, x.oid::int8, x.stxkeys::int2[]
  from pg_catalog.pg_statistic_ext x join pg_catalog.pg_namespace n on n.oid = x.stxnamespace"""


@dataclass(frozen=True, slots=True)
class Extended:
    """A statistics object of the clone, and its figures as the server stores them; None for a kind it is not of."""

    oid: int
    distinct: bytes | None
    dependencies: bytes | None
    common: bytes | None = None
    inherited: bool = False


def check_create_statistics(statement: str) -> None:
    """Raise UsageError for anything but one CREATE STATISTICS."""
    words = [word(statement, token) for token in meaningful(statement)]
    if len(split(statement)) != 1 or words[:2] != ["create", "statistics"]:
        raise UsageError("that is no CREATE STATISTICS", "write CREATE STATISTICS ON a, b FROM table")


async def create(session: Connection, statement: str, source: PostgresSource, database: str) -> Extended:
    """Make an object with its figures, which are counted on the source. Raises QueryError, UsageError, QueryTimeout."""
    check_create_statistics(statement)
    known = {row[0] for row in await session.fetch(_OBJECTS)}
    await session.execute("begin")
    try:
        await session.execute(statement)
        new = [row for row in await session.fetch(_OBJECTS) if row[0] not in known]
        if not new:  # IF NOT EXISTS
            raise QueryError("there is such a statistics object already", "name another one")
        made = await _with_figures(new[0], source, database)
        await session.execute("commit")
    except BaseException:
        await session.execute("rollback")
        raise
    return made


async def _with_figures(found: Sequence[Any], source: PostgresSource, database: str) -> Extended:
    oid, schema, table, expressions, kinds, columns, numbers = found
    if expressions:
        raise QueryError("statistics of expressions are not tried", "name columns only")
    counted = await source.combined(schema, table, columns, database)
    return Extended(
        oid,
        _serialized(_DISTINCT, _places(counted.distinct, numbers)) if "d" in kinds else None,
        _serialized(_DEPENDENCIES, _places(counted.dependencies, numbers)) if "f" in kinds else None,
    )


async def adopt(
    session: Connection, owner: Connection, objects: Sequence[SourceStatistics]
) -> list[tuple[SourceStatistics, str]]:
    """Give the clone the source's objects, and their figures; those that lack some of it, with the reason.

    A table has other column numbers here where a column of the source's was dropped. `session` is a superuser's.
    """
    known = {(row[0], row[1]) for row in await session.fetch(_NAMED)}
    lacking = [(one, one.lacks) for one in objects if one.lacks]
    for one in objects:
        if (one.schema, one.name) not in known:
            try:
                await owner.execute(one.definition)
            except QueryError as error:
                lacking.append((one, error.message))
    there = {(row[0], row[1]): (row[2], row[3]) for row in await session.fetch(_NAMED)}
    made = []
    for one in objects:
        if (found := there.get((one.schema, one.name))) is not None:
            oid, numbers = found
            here = dict(zip(one.columns, numbers, strict=True))
            distinct, dependencies = _renumbered(one.distinct, here), _renumbered(one.dependencies, here)
            made.append(Extended(oid, distinct, dependencies, one.common, one.inherited))
    if made:
        await allow(session)
        await show(session, made, made)
    return lacking


async def allow(session: Connection) -> None:
    """Make the casts. Needs a superuser."""
    for kind in ("pg_ndistinct", "pg_dependencies", "pg_mcv_list"):
        await session.execute(_CAST.format(kind))


async def show(session: Connection, made: Sequence[Extended], shown: Sequence[Extended]) -> None:
    """Let the planner see the figures of some of the objects, and of no other."""
    listed = ", ".join(str(one.oid) for one in made)
    data = "pg_catalog.pg_statistic_ext_data"
    await session.execute(f"delete from {data} where stxoid in ({listed})")  # noqa: S608
    for one in shown:
        figures = f"{_bytes(one.distinct)}::pg_ndistinct, {_bytes(one.dependencies)}::pg_dependencies"
        figures += f", {_bytes(one.common)}::pg_mcv_list"
        columns = "stxoid, stxdinherit, stxdndistinct, stxddependencies, stxdmcv"
        await session.execute(
            f"insert into {data} ({columns}) values ({one.oid}, {one.inherited}, {figures})"  # noqa: S608
        )


def _places(figures: Mapping[tuple[int, ...], float], numbers: Sequence[int]) -> dict[tuple[int, ...], float]:
    """By the numbers of the columns in the table."""
    return {tuple(numbers[place] for place in places): figure for places, figure in figures.items()}


def _serialized(magic: int, items: Mapping[tuple[int, ...], float]) -> bytes:
    """A header, then of each item its figure, how many columns, and their numbers."""
    count = "i" if magic == _DISTINCT else "h"
    parts = [_HEADER.pack(magic, _BASIC, len(items))]
    parts += [
        struct.pack(f"<d{count}{len(numbers)}h", figure, len(numbers), *numbers)
        for numbers, figure in items.items()
    ]
    return b"".join(parts)


def _renumbered(stored: bytes | None, here: Mapping[int, int]) -> bytes | None:
    """Figures as `_serialized` makes them, with the columns' numbers of another table."""
    if stored is None:
        return None
    magic, _, items = _HEADER.unpack_from(stored)
    width, found, at = 4 if magic == _DISTINCT else 2, {}, _HEADER.size
    for _ in range(items):
        (figure,) = struct.unpack_from("<d", stored, at)
        count = int.from_bytes(stored[at + 8 : at + 8 + width], "little")
        numbers = struct.unpack_from(f"<{count}h", stored, at + 8 + width)
        found[tuple(here.get(number, number) for number in numbers)] = figure
        at += 8 + width + 2 * count
    return _serialized(magic, found)


def _bytes(value: bytes | None) -> str:
    return "null::bytea" if value is None else f"'\\x{value.hex()}'::bytea"
