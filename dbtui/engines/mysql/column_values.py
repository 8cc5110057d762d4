"""The values of columns: from the histogram that the server keeps, else from a sample that is read."""

from __future__ import annotations

import base64
import binascii
import json
import re
from itertools import pairwise
from typing import Any

from dbtui.engines.mysql.connection import Connection, Connector
from dbtui.engines.mysql.lex import Dialect, identifier, literal, placeholders, tokens
from dbtui.engines.mysql.wire import text
from dbtui.engines.samples import NUMBER, SAMPLE_LIMIT, SAMPLE_ROWS, Bucket, of_counts, of_histogram
from dbtui.engines.work import Work
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.statistics import ColumnStatistics
from dbtui.model.sweep import Parameter
from dbtui.sql.parameters import Parametrised, parametrised
from dbtui.sql.quoting import literal as standard_literal
from dbtui.sql.quoting import mysql_literal

_PLACES = 20  # of the table that a sample is read from
_CUT = "(...)"  # any number of values
_CALL = re.compile(r"(?<=\w) \(")
_NUMBERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year")
_UNREADABLE = ("bit", "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry", "json")

_COLUMN = """
SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.DATA_TYPE,
       (SELECT MAX(s.CARDINALITY) FROM information_schema.STATISTICS s WHERE s.SEQ_IN_INDEX = 1
          AND s.TABLE_SCHEMA = c.TABLE_SCHEMA AND s.TABLE_NAME = c.TABLE_NAME AND s.COLUMN_NAME = c.COLUMN_NAME),
       (SELECT MAX(k.COLUMN_NAME) FROM information_schema.COLUMNS k WHERE k.COLUMN_KEY = 'PRI'
          AND k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME HAVING COUNT(*) = 1
           AND MAX(k.DATA_TYPE) LIKE '%int')
  FROM information_schema.COLUMNS c
 WHERE c.TABLE_SCHEMA = {0} AND LOWER(c.TABLE_NAME) = LOWER({1}) AND LOWER(c.COLUMN_NAME) = LOWER({2})
"""
_MYSQL_HISTOGRAM = """
SELECT HISTOGRAM FROM information_schema.COLUMN_STATISTICS
 WHERE SCHEMA_NAME = {0} AND TABLE_NAME = {1} AND COLUMN_NAME = {2}
"""
_MARIADB_HISTOGRAM = """
SELECT CONVERT(histogram USING utf8mb4), nulls_ratio FROM mysql.column_stats
 WHERE db_name = {0} AND table_name = {1} AND column_name = {2} AND hist_type = 'JSON_HB'
"""


class MysqlValues:
    """See `engines.base.Values`."""

    generic = False

    def __init__(self, connector: Connector, work: Work[Connection]) -> None:
        self._connector = connector
        self._work = work

    @property
    def _dialect(self) -> Dialect:
        return self._connector.probe.identity.dialect

    def parametrised(self, sql: str) -> Parametrised:
        """The text of a digest too, whose `COUNT ( * )` and `IN (...)` no server takes."""
        if placeholders(sql, self._dialect) or _CUT in sql:
            sql = _CALL.sub("(", sql).replace(_CUT, "(?)")
        return parametrised(sql, tokens(sql, self._dialect))

    def literal(self, value: str, type_name: str) -> str:
        """A number as it is; all else as a string, which takes the collation of the column."""
        if type_name.startswith(_NUMBERS) and NUMBER.fullmatch(value):
            return value
        return mysql_literal(value) if self._dialect.backslashes else standard_literal(value)

    async def column(self, parameter: Parameter, *, database: str = "") -> ColumnStatistics:
        async with self._work.use(database) as connection:
            schema = literal(parameter.schema or connection.database)
            rows = await connection.fetch(
                _COLUMN.format(schema, literal(parameter.table), literal(parameter.column))
            )
            if not rows:
                raise QueryError("it is no column that this user may see", "GRANT SELECT")
            place, (kind, data_type, distinct, key) = rows[0][:3], rows[0][3:]
            if data_type in _UNREADABLE:
                raise QueryError(f"its type is {data_type}", "write values into the statement")
            found = await self._histogram(connection, place, kind)
            return found or await _sampled(connection, place, kind, float(distinct or 0.0), key)

    async def _histogram(
        self, connection: Connection, place: tuple[str, ...], kind: str
    ) -> ColumnStatistics | None:
        """What ANALYZE TABLE has kept of the column's values; None for nothing."""
        mariadb = self._connector.probe.mariadb
        question = _MARIADB_HISTOGRAM if mariadb else _MYSQL_HISTOGRAM
        try:
            rows = await connection.fetch(question.format(*map(literal, place)))
        except (PermissionDenied, QueryError):  # mysql.column_stats is not for everybody
            return None
        if not rows:
            return None
        try:
            body = json.loads(rows[0][0])
            nulls = float(rows[0][1] or 0.0) if mariadb else float(body["null-values"])
            buckets = (
                _of_mariadb(body["histogram_hb"], 1.0 - nulls) if mariadb else _of_mysql(body["buckets"])
            )
        except (ValueError, TypeError, LookupError):  # a form that is not known yet
            return None
        return of_histogram(place[2], kind, buckets, nulls) if buckets else None


def _of_mysql(buckets: list[list[Any]]) -> list[Bucket]:
    """`[value, share so far]`, or `[low, high, share so far, different values]` (MySQL manual, "Optimizer
    Statistics"). Texts are in base64; those that are no text are left out.
    """
    found: list[Bucket] = []
    before = 0.0
    for bucket in buckets:
        first, last, reached, distinct = bucket if len(bucket) == 4 else (bucket[0], *bucket, 1.0)
        low, high = _text(first), _text(last)
        if low is not None and high is not None:
            found.append(Bucket(low, high, reached - before, distinct))
        before = reached
    return found


def _text(value: Any) -> str | None:
    if not isinstance(value, str) or not value.startswith("base64:"):
        return str(value)
    try:
        return base64.b64decode(value.rpartition(":")[2]).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _of_mariadb(buckets: list[dict[str, Any]], rest: float) -> list[Bucket]:
    """`{"start", "size", "ndv"}`, the last one with its `"end"` too; sizes are shares of what is not NULL."""
    starts = [str(bucket["start"]) for bucket in buckets]
    return [
        Bucket(start, str(bucket.get("end", following)), float(bucket["size"]) * rest, float(bucket["ndv"]))
        for bucket, start, following in zip(buckets, starts, [*starts[1:], starts[-1]], strict=True)
    ]


async def _sampled(
    connection: Connection, place: tuple[str, ...], kind: str, distinct: float, key: str
) -> ColumnStatistics:
    """Count the values of some rows: of places all over the table where its key is one number, else its first rows.

    Never by the column's own index, which would give its lowest values only.
    """
    schema, table, column = map(identifier, place)
    rows = f"{schema}.{table}"
    select = f"SELECT {column} AS v FROM {rows}"
    if key:
        ends = await connection.fetch(f"SELECT MIN({identifier(key)}), MAX({identifier(key)}) FROM {rows}")
        low, high = (int(end or 0) for end in ends[0])
        starts = sorted({low + (high + 1 - low) * at // _PLACES for at in range(_PLACES + 1)})
        each = (
            f"({select} FORCE INDEX (PRIMARY) WHERE {identifier(key)} >= {start} AND {identifier(key)} < {end}"
            f" ORDER BY {identifier(key)} LIMIT {SAMPLE_ROWS // _PLACES})"
            for start, end in pairwise(starts)
        )
        select = " UNION ALL ".join(each)
    else:
        select += f" USE INDEX () LIMIT {SAMPLE_ROWS}"
    sql = f"SELECT v, COUNT(*) FROM ({select}) AS sampled GROUP BY v ORDER BY v"
    async with connection.reading(timeout=SAMPLE_LIMIT) as reading:
        answer = await reading.counted(sql, SAMPLE_LIMIT)
    counts = [(None if cell is None else text(cell), int(count or b"0")) for cell, count in answer.rows]
    if not counts:
        raise QueryError("its table has no rows", "")
    return of_counts(place[2], kind, counts, distinct)
