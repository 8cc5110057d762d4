"""What advice on indexes and on partitions needs to know of some relations of a database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from dbtui.engines.postgres.connection import Connection
from dbtui.engines.postgres.queries import load
from dbtui.engines.postgres.structure import read
from dbtui.model.advice import ColumnFacts, Facts, TableFacts
from dbtui.model.catalog import Index
from dbtui.model.partitioning import Partitionable

_SESSION = """
select (select array_agg(name::text) from unnest(current_schemas(false)) name) as path,
       (select datcollate in ('C', 'POSIX', 'C.UTF-8', 'C.utf8') from pg_catalog.pg_database
         where datname = current_database()) as by_bytes"""


async def facts(connection: Connection, names: Sequence[str]) -> Facts:
    """The facts of the relations named, in three round trips and one for each schema. Raises QueryError."""
    session = (await connection.fetch(_SESSION))[0]
    rows = await connection.fetch(load("source_facts"), list(names), timeout=20.0)
    tables, views = [], {}
    for schema, group in groupby(sorted(rows, key=lambda row: row["schema"]), key=lambda row: row["schema"]):
        found = {row["name"]: row for row in group}
        structures = await read(connection, connection.database, schema, list(found))
        for name, row in found.items():
            if row["kind"] == "v":
                views[schema, name] = row["definition"].rstrip(";")
            else:
                table = structures.get(name)
                tables.append(_table(row, table.table.indexes if table else ()))
    return Facts(
        "postgres",
        tuple(tables),
        views,
        tuple(session["path"] or ()),
        bool(session["by_bytes"]),
        frozenset(connection.probe.extensions),
    )


async def partitionable(connection: Connection, names: Sequence[str]) -> list[Partitionable]:
    """The plain tables among the relations named. Raises QueryError."""
    rows = await connection.fetch(load("source_partitioning"), list(names), timeout=20.0)
    return [_partitionable(row) for row in rows]


def _partitionable(row: Mapping[str, Any]) -> Partitionable:
    def listed(name: str) -> tuple[Any, ...]:
        return tuple(json.loads(row[name] or "[]", strict=False))

    primary = json.loads(row["primary_key"] or "{}", strict=False)
    return Partitionable(
        schema=row["schema"],
        name=row["name"],
        size=row["size"],
        reaches={name: (low, high) for name, (low, high) in json.loads(row["reaches"] or "{}").items()},
        owner=row["owner"] or "",
        primary_name=primary.get("name", ""),
        primary=tuple(primary.get("columns", ())),
        uniques=listed("uniques"),
        indexes=listed("indexes"),
        foreign_keys=tuple((one["name"], one["text"]) for one in json.loads(row["foreign_keys"] or "[]")),
        pointing=listed("pointing"),
        views=listed("views"),
        triggers=listed("triggers"),
        publications=listed("publications"),
        identities=tuple((name, when) for name, when in listed("identities")),
        sequences=tuple((one["name"], one["column"]) for one in json.loads(row["sequences"] or "[]")),
        grants=listed("grants"),
        inherits=row["inherits"],
        policies=row["policies"],
    )


def _table(row: Mapping[str, Any], indexes: tuple[Index, ...]) -> TableFacts:
    columns = [_column(body, row["rows"]) for body in json.loads(row["columns"] or "[]", strict=False)]
    return TableFacts(
        row["schema"],
        row["name"],
        {column.name: column for column in columns},
        indexes,
        row["rows"],
        row["size"],
        row["inserts"],
        row["updates"],
        row["hot_updates"],
        row["deletes"],
        partitioned=row["kind"] == "p",
    )


def _column(body: Mapping[str, Any], rows: float) -> ColumnFacts:
    counted = body["distinct"]
    distinct = None if counted is None else counted if counted >= 0 else -counted * max(rows, 1.0)
    common = dict(zip(body["common"] or (), body["shares"] or (), strict=False))
    return ColumnFacts(
        body["name"],
        body["type"],
        body["width"] or 8,
        distinct,
        body["nulls"] or 0.0,
        body["correlation"],
        {str(value): float(share) for value, share in common.items()},
        body["nullable"],
    )
