"""Who can say what an index would do, for each engine, and what is known of the tables."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dbtui.errors import ConnectError, InputError, PermissionDenied, QueryError, UsageError
from dbtui.model.advice import ColumnFacts, Facts, Planner, Query, TableFacts
from dbtui.model.catalog import Kind, Node
from dbtui.model.result import Page
from dbtui.sql.quoting import identifier

if TYPE_CHECKING:
    from dbtui.engines.base import Engine
    from dbtui.shadow import Shadow

_UNKNOWN = 10_000.0  # rows of a table that nobody has counted
_DIALECTS = {"postgres": "postgres", "mysql": "mysql", "sqlite": "sqlite", "mongodb": "mongodb"}


def dialect_of(engine: Engine) -> str:
    """The dialect of `model.advice.Facts`; "" for an engine without index advice."""
    return _DIALECTS.get(engine.name, "")


def has_planner(engine: Engine) -> bool:
    """Whether somebody can be asked what the engine would do if it were otherwise."""
    return dialect_of(engine) in ("postgres", "sqlite")


def named(queries: Sequence[Query], dialect: str) -> list[tuple[str, str]]:
    """Schema and name of all tables that the statements mention, in so far as they are understood."""
    from dbtui.advice.reading import tables

    found: dict[tuple[str, str], None] = {}
    for query in queries:
        with contextlib.suppress(InputError):
            found |= dict.fromkeys(tables(query.text, dialect))
    return list(found)


async def facts_for(engine: Engine, queries: Sequence[Query], database: str) -> Facts:
    """What the server says of the tables that the statements mention. Raises QueryError and its kinds."""
    dialect = dialect_of(engine)
    if dialect == "postgres":
        from dbtui.engines.postgres.engine import PostgresEngine

        assert isinstance(engine, PostgresEngine)
        return await engine.source.facts([qualified(*pair) for pair in named(queries, dialect)], database)
    return await _catalog_facts(engine, dialect, named(queries, dialect), database)


def qualified(schema: str, name: str) -> str:
    """A PostgreSQL relation's name as SQL writes it."""
    parts = [part for part in (schema, name) if part]
    return ".".join(map(identifier, parts))


async def _catalog_facts(
    engine: Engine, dialect: str, wanted: Sequence[tuple[str, str]], database: str
) -> Facts:
    """Columns and indexes from the catalog, rows as it estimates them."""
    assert engine.catalog is not None
    engine.catalog.forget()  # a migration may have run since the tree was read
    names = {name.lower() for _, name in wanted}
    sizes = await _sizes(engine)
    tables = []
    for name in await engine.catalog.names(database):
        if name.path[-1].lower() not in names or name.kind is not Kind.TABLE:
            continue
        with contextlib.suppress(QueryError):
            detail = await engine.catalog.detail(Node(name.kind, name.path[-1], name.path))
            if detail.table is not None:
                columns = {
                    c.name.lower(): ColumnFacts(c.name.lower(), c.type.lower(), nullable=c.nullable)
                    for c in detail.table.columns
                }
                rows, size = sizes.get(name.path[-1].lower(), (_UNKNOWN, 0))
                tables.append(TableFacts("", name.path[-1], columns, detail.table.indexes, rows, size))
    if dialect == "mysql" and "mariadb" in (await _first_cell(engine, "SELECT VERSION()")).lower():
        dialect = "mariadb"
    return Facts(dialect, tuple(tables), search_path=("",))


async def _first_cell(engine: Engine, sql: str) -> str:
    page = await _page(engine, sql)
    return (page.rows[0][0] or "") if page.rows else ""


async def _page(engine: Engine, sql: str) -> Page:
    """The first rows of a query of ours."""
    assert engine.query is not None
    cursor = await engine.query.run(sql)
    try:
        return await cursor.fetch(5000)
    finally:
        await cursor.close()


async def _sizes(engine: Engine) -> dict[str, tuple[float, int]]:
    """Rows and bytes of the tables by name, as the server estimates them."""
    if engine.name == "sqlite":
        from dbtui.engines.sqlite.engine import SqliteEngine

        assert isinstance(engine, SqliteEngine)
        with contextlib.closing(await engine.what_if()) as planner:
            return {name.lower(): (float(rows), 0) for name, rows in planner.rows.items()}
    page = await _page(
        engine,
        "SELECT LOWER(TABLE_NAME), TABLE_ROWS, DATA_LENGTH FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = DATABASE()",
    )
    return {row[0] or "": (float(row[1] or 0), int(row[2] or 0)) for row in page.rows}


@asynccontextmanager
async def planner_for(
    engine: Engine, shadow: Shadow, facts: Facts, database: str
) -> AsyncIterator[Planner | None]:
    """The planner for these tables; None where an engine has none. Raises UsageError, ConnectError, QueryError."""
    if facts.dialect == "postgres":
        from dbtui.engines.postgres.engine import PostgresEngine

        assert isinstance(engine, PostgresEngine)
        names = [*[table.path for table in facts.tables], *facts.views]
        try:
            clone = await shadow.clone(engine.source, [qualified(*path) for path in names], database=database)
        except (UsageError, ConnectError, PermissionDenied):  # no wheel here, a pooler in between, …
            if "hypopg" not in facts.extensions:
                raise
            yield engine.hypothetical(database)
            return
        try:
            yield clone
        finally:
            await clone.drop()
    elif facts.dialect == "sqlite":
        from dbtui.engines.sqlite.engine import SqliteEngine

        assert isinstance(engine, SqliteEngine)
        with contextlib.closing(await engine.what_if()) as planner:
            yield planner
    else:
        yield None
