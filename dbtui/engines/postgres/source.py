"""What a clone needs of the server that it is made from: which relations, how large, which settings, and a way in.

Everything is read on the work session, in the session's own read-only transaction; nothing is written there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dbtui.engines.postgres.combinations import Combinations, combined
from dbtui.engines.postgres.connection import Connector, Work
from dbtui.engines.postgres.queries import load
from dbtui.engines.postgres.relay import relayed
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.advice import Facts
from dbtui.model.partitioning import Partitionable
from dbtui.model.server import Server
from dbtui.sql.quoting import identifier

# Beside those of the category "Query Tuning".
_MORE_SETTINGS = (
    "work_mem",
    "hash_mem_multiplier",
    "max_parallel_workers_per_gather",
    "max_parallel_workers",
    "parallel_leader_participation",
    "search_path",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "default_text_search_config",
    "standard_conforming_strings",
)


@dataclass(frozen=True, slots=True)
class SourceRelation:
    """A relation with its size. `kind` is pg_class.relkind; `owner` is an index's table, else itself."""

    schema: str
    name: str
    kind: str
    owner: str
    rows: float  # reltuples, -1 when never analysed
    blocks: int | None  # of its file, None where it has none


@dataclass(frozen=True, slots=True)
class SourceStatistics:
    """A statistics object, with what ANALYZE found for it as the server stores it; None for a kind it is not of."""

    schema: str
    name: str
    table: tuple[str, str]  # schema and name
    definition: str
    columns: tuple[int, ...]  # their numbers in the table
    inherited: bool = False
    distinct: bytes | None = None
    dependencies: bytes | None = None
    common: bytes | None = None
    lacks: str = ""  # why not all of its figures are here


class PostgresSource:
    """One database of one server, to be cloned."""

    def __init__(self, connector: Connector, work: Work) -> None:
        self._connector = connector
        self._work = work

    @property
    def server(self) -> Server:
        return self._connector.server

    async def relations(self, names: Sequence[str] | None, database: str = "") -> list[SourceRelation]:
        """The relations named (all for None), what their views read, their partitions, and all indexes of these.

        A name that is no relation is left out. Raises QueryTimeout where a lock is in the way.
        """
        async with self._work.use(database) as connection:
            rows = await connection.fetch(load("source_relations"), _listed(names), timeout=20.0)
        return [SourceRelation(*row) for row in rows]

    async def settings(self, database: str = "") -> Mapping[str, str]:
        """The settings of a session there that change plans, in the form that SET takes."""
        async with self._work.use(database) as connection:
            rows = await connection.fetch(load("source_settings"), list(_MORE_SETTINGS))
        return dict(rows)

    async def locale(self, database: str = "") -> str:
        """The collation of the database: "C", "en_US.UTF-8", …"""
        async with self._work.use(database) as connection:
            return str(
                await connection.fetchval(
                    "select datcollate::text from pg_catalog.pg_database"
                    " where datname = pg_catalog.current_database()"
                )
            )

    async def roles(self, database: str = "") -> list[str]:
        """The names of all roles, which a schema's grants and policies mention."""
        async with self._work.use(database) as connection:
            rows = await connection.fetch(
                "select rolname::text from pg_catalog.pg_roles where rolname not like 'pg\\_%' order by 1"
            )
        return [row[0] for row in rows]

    async def facts(self, names: Sequence[str], database: str = "") -> Facts:
        """What index advice needs to know of the relations named, and of the tables behind the views among them."""
        from dbtui.engines.postgres.advice import facts

        involved = await self.relations(names, database)
        tables = [f"{identifier(r.schema)}.{identifier(r.name)}" for r in involved if r.kind in "rpmv"]
        async with self._work.use(database) as connection:
            return await facts(connection, tables)

    async def combined(
        self, schema: str, name: str, columns: Sequence[str], database: str = ""
    ) -> Combinations:
        """How columns of a table go together: see `combinations`."""
        return await combined(self._work, schema, name, columns, database)

    async def extended(self, database: str = "") -> list[SourceStatistics]:
        """All statistics over several columns, with their figures where this role may read them."""
        refused = ""
        async with self._work.use(database) as connection:
            objects = await connection.fetch(load("source_extended"))
            try:
                rows = await connection.fetch(load("source_extended_figures")) if objects else []
            except PermissionDenied:
                rows, refused = [], "this role may not read its figures, pg_read_all_data may"
        figures = {row[0]: row[1:] for row in rows}
        return [_statistics(row, figures.get(row[0]), refused) for row in objects]

    async def partitionable(self, names: Sequence[str], database: str = "") -> list[Partitionable]:
        """What partition advice needs to know of the plain tables among the relations named."""
        from dbtui.engines.postgres.advice import partitionable

        async with self._work.use(database) as connection:
            return await partitionable(connection, names)

    async def refuse_pile_up(self, names: Sequence[str] | None, database: str = "") -> None:
        """Raise QueryError where a lock is held or awaited that a reader would queue behind."""
        async with self._work.use(database) as connection:
            rows = await connection.fetch(load("source_waits"), _listed(names))
        if rows:
            relation, waiting, _ = rows[0]
            queue = f", and {waiting} wait in line" if waiting else ""
            raise QueryError(
                f"{relation} is locked by ACCESS EXCLUSIVE{queue}",
                "the schema is not read while locks pile up: try again when they are gone",
            )

    @asynccontextmanager
    async def socket(self, folder: Path, database: str = "") -> AsyncIterator[None]:
        """A socket in `folder` on which one program of PostgreSQL's finds itself logged in here."""
        async with self._work.use(database) as connection, relayed(connection, folder):
            yield


def _statistics(row: Sequence[Any], figures: Sequence[Any] | None, refused: str) -> SourceStatistics:
    _, schema, name, table_schema, table, definition, columns, expressions = row
    made = SourceStatistics(schema, name, (table_schema, table), definition, tuple(columns))
    if figures is None:
        return replace(made, lacks=refused or "it was never analyzed")
    inherited, *digits, complete = figures
    distinct, dependencies, common = [None if one is None else bytes.fromhex(one) for one in digits]
    lacks = "" if complete and not expressions else "not all of its figures can be copied"
    return replace(
        made, inherited=inherited, distinct=distinct, dependencies=dependencies, common=common, lacks=lacks
    )


def _listed(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)
