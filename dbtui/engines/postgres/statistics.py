"""What PostgreSQL's planner goes by (pg_class, pg_stats, pg_statistic_ext), and the truth over a sample.

Everything is asked on the work session and reads only; samples and counts run in a read-only transaction with a
limit of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from dbtui.engines.postgres.connection import Work
from dbtui.engines.postgres.queries import load
from dbtui.errors import QueryError
from dbtui.model.statistics import ColumnStatistics, Counted, TableStatistics
from dbtui.sql.quoting import identifier

SAMPLE_BLOCKS = 2_000  # of a table; a smaller one is counted whole
SAMPLE_LIMIT = 10.0  # seconds


class PostgresStatistics:
    """See `model.statistics.Statistics`."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def table(self, schema: str, name: str, *, database: str = "") -> TableStatistics | None:
        async with self._work.use(database) as connection:
            body = await connection.fetchval(load("statistics_table"), schema, name, timeout=10.0)
        return None if body is None else _table(schema, name, json.loads(body))

    async def count(
        self, schema: str, name: str, alias: str, conditions: Sequence[str], *, database: str = ""
    ) -> Counted:
        """The sample is of whole blocks, and the same at each call."""
        known = await self.table(schema, name, database=database)
        if known is None:
            raise QueryError(f"{schema}.{name} is no table", "only tables are counted")
        share = min(1.0, SAMPLE_BLOCKS / known.blocks) if known.blocks else 1.0
        filters = [f"count(*) FILTER (WHERE {condition})" for condition in conditions]
        together = " AND ".join(f"({condition})" for condition in conditions) or "true"
        sql = (
            f"SELECT count(*), {', '.join([*filters, f'count(*) FILTER (WHERE {together})'])}"  # noqa: S608
            f" FROM {sampled(schema, name, share)} AS {identifier(alias)}"
        )
        row = await self._one(sql, database)
        return Counted(int(row[0]), share, tuple(int(value) for value in row[1:-1]), int(row[-1]))

    async def distinct(
        self, schema: str, name: str, expressions: Sequence[str], *, database: str = ""
    ) -> float:
        listed = ", ".join(expressions)
        sql = (
            f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {identifier(schema)}.{identifier(name)}"  # noqa: S608
            f" WHERE ({listed}) IS NOT NULL) AS seen"
        )
        return float((await self._one(sql, database))[0])

    async def rank(self, schema: str, name: str, column: str, value: str, *, database: str = "") -> int:
        known = await self.table(schema, name, database=database)
        share = min(1.0, SAMPLE_BLOCKS / known.blocks) if known is not None and known.blocks else 1.0
        sql = (
            f"WITH seen AS (SELECT {column} AS value, count(*) AS n"  # noqa: S608
            f" FROM {sampled(schema, name, share)} AS sampled GROUP BY 1)"
            f" SELECT count(*) FROM seen WHERE n >= coalesce((SELECT n FROM seen WHERE value = {value}), 0)"
        )
        return int((await self._one(sql, database))[0])

    async def _one(self, sql: str, database: str) -> asyncpg.Record:
        async with (
            self._work.use(database) as connection,
            connection.reading(timeout=SAMPLE_LIMIT) as raw,
        ):
            row = await raw.fetchrow(sql, timeout=SAMPLE_LIMIT + 1)
        assert row is not None, "an aggregate without groups has a row"
        return row


def sampled(schema: str, name: str, share: float) -> str:
    where = f"{identifier(schema)}.{identifier(name)}"
    if share >= 1.0:
        return where
    return f"(SELECT * FROM {where} TABLESAMPLE SYSTEM ({share * 100:.6f}) REPEATABLE (1))"  # noqa: S608


def _table(schema: str, name: str, body: Mapping[str, Any]) -> TableStatistics:
    rows = float(body["rows"])
    return TableStatistics(
        schema=schema,
        name=name,
        rows=rows,
        blocks=int(body["blocks"]),
        changed=int(body["changed"]),
        analyzed=body["analyzed"] or "",
        columns={column["name"]: _column(column, rows) for column in body["columns"] or ()},
        extended=tuple((str(one), frozenset(columns or ())) for one, columns in body["extended"] or ()),
    )


def _column(column: Mapping[str, Any], rows: float) -> ColumnStatistics:
    distinct = column["distinct"]
    if distinct is not None:  # negative: a share of the rows
        distinct = -distinct * rows if distinct < 0 else float(distinct)
    return ColumnStatistics(
        name=column["name"],
        type=column["type"],
        null_share=float(column["nulls"] or 0.0),
        distinct=distinct or None,
        common=tuple(zip(column["values"] or (), map(float, column["shares"] or ()), strict=False)),
        bounds=tuple(column["bounds"] or ()),
        target=int(column["target"]),
    )
