"""The values of columns, from a sample of their rows: the file keeps none that could be read.

Most builds of SQLite plan alike for all values, but for partial indexes; those with STAT4 do not.
"""

from __future__ import annotations

import re
import sqlite3
from itertools import pairwise

from dbtui.engines.samples import NUMBER, SAMPLE_LIMIT, SAMPLE_ROWS, of_counts
from dbtui.engines.sqlite.connection import Connection
from dbtui.engines.work import Work
from dbtui.errors import QueryError
from dbtui.model.statistics import ColumnStatistics
from dbtui.model.sweep import Parameter
from dbtui.sql.lex import Lexeme, tokens
from dbtui.sql.parameters import Parametrised, parametrised
from dbtui.sql.quoting import identifier, literal

# https://www.sqlite.org/datatype3.html#determination_of_column_affinity
_TEXT = re.compile(r"char|clob|text|blob", re.I)


class SqliteValues:
    """See `engines.base.Values`."""

    generic = False

    def __init__(self, work: Work[Connection]) -> None:
        self._work = work

    def parametrised(self, sql: str) -> Parametrised:
        """Of placeholders only the bare `?` is known."""
        found = list(tokens(sql))
        marks = [
            token._replace(kind=Lexeme.PLACEHOLDER)
            if sql[token.start] == "?" and token.kind is Lexeme.SYMBOL and following.kind is not Lexeme.NUMBER
            else token
            for token, following in pairwise([*found, *found[:1]])
        ]
        return parametrised(sql, marks)

    def literal(self, value: str, type_name: str) -> str:
        """A number, unless the column turns it into a text."""
        if NUMBER.fullmatch(value) and not _TEXT.search(type_name):
            return value
        return literal(value)

    async def column(self, parameter: Parameter, *, database: str = "") -> ColumnStatistics:
        async with self._work.use(database) as connection:
            return await connection.run(lambda raw: _sampled(raw, parameter), timeout=SAMPLE_LIMIT)


def _sampled(raw: sqlite3.Connection, parameter: Parameter) -> ColumnStatistics:
    """Count the values of the first rows, never by an index, which would give the lowest values only."""
    table, column = identifier(parameter.table), identifier(parameter.column)
    types = raw.execute("select name, type from pragma_table_info(?)", (parameter.table,))
    kind = next((kind for name, kind in types if name.lower() == parameter.column.lower()), "")
    sample = f"select {column} as v from {table} not indexed limit {SAMPLE_ROWS}"  # noqa: S608 - quoted names
    counts = raw.execute(
        f"select cast(v as text), count(*) from ({sample}) where typeof(v) <> 'blob' group by v order by v"  # noqa: S608
    ).fetchall()
    if not counts:
        raise QueryError("its table has no rows", "")
    return of_counts(parameter.column, kind, counts)
