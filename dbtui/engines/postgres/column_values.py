"""The values of columns, from pg_stats."""

from __future__ import annotations

from dbtui.errors import QueryError
from dbtui.model.statistics import ColumnStatistics, Statistics
from dbtui.model.sweep import Parameter
from dbtui.sql.lex import tokens
from dbtui.sql.parameters import Parametrised, parametrised
from dbtui.sql.quoting import postgres_literal


class PostgresValues:
    """See `engines.base.Values`."""

    generic = True

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics

    def parametrised(self, sql: str) -> Parametrised:
        return parametrised(sql, tokens(sql))

    def literal(self, value: str, type_name: str) -> str:
        return f"{postgres_literal(value)}::{type_name}"

    async def column(self, parameter: Parameter, *, database: str = "") -> ColumnStatistics:
        table = await self._statistics.table(parameter.schema, parameter.table, database=database)
        column = table.columns.get(parameter.column) if table is not None else None
        if column is None or not (column.common or column.bounds):
            raise QueryError("it has no statistics that this role may read", "ANALYZE, or GRANT SELECT")
        return column
