"""How columns of a table go together, counted over a sample: what CREATE STATISTICS would find.

The figures are those of PostgreSQL's own ANALYZE: the number of distinct combinations by the estimator of Haas and
Stokes (src/backend/statistics/mvdistinct.c), and the share of rows that support a dependency (dependencies.c).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import asyncpg

from dbtui.engines.postgres.connection import Work
from dbtui.engines.postgres.statistics import SAMPLE_BLOCKS, SAMPLE_LIMIT, PostgresStatistics, sampled
from dbtui.errors import QueryError
from dbtui.sql.quoting import identifier

MOST_COLUMNS = 3  # with each more, there are several times as many combinations to count


@dataclass(frozen=True, slots=True)
class Combinations:
    """Keys are places of columns. Of a dependency the last one follows from the others; its figure is 0 to 1."""

    distinct: Mapping[tuple[int, ...], float]
    dependencies: Mapping[tuple[int, ...], float]


async def combined(
    work: Work, schema: str, name: str, columns: Sequence[str], database: str = ""
) -> Combinations:
    """Count on the work session, read-only and limited in time. Raises QueryError, QueryTimeout."""
    known = await PostgresStatistics(work).table(schema, name, database=database)
    if known is None:
        raise QueryError(f"{schema}.{name} is no table", "only tables are counted")
    if len(columns) > MOST_COLUMNS:
        raise QueryError(
            f"statistics of {len(columns)} columns are not tried", f"{MOST_COLUMNS} are counted at most"
        )
    share = min(1.0, SAMPLE_BLOCKS / known.blocks) if known.blocks else 1.0
    rows = sampled(schema, name, share)
    names = [identifier(column) for column in columns]
    distinct, dependencies = {}, {}
    async with work.use(database) as connection, connection.reading(timeout=SAMPLE_LIMIT) as raw:
        for size in range(2, len(names) + 1):
            for places in combinations(range(len(names)), size):
                listed = [names[place] for place in places]
                distinct[places] = await _distinct(raw, rows, listed, share)
                for last in places:
                    others = tuple(place for place in places if place != last)
                    degree = await _degree(raw, rows, [names[place] for place in others], names[last])
                    dependencies[*others, last] = degree
    return Combinations(distinct, dependencies)


async def _distinct(raw: asyncpg.Connection, rows: str, columns: Sequence[str], share: float) -> float:
    sql = (
        "SELECT count(*), count(*) FILTER (WHERE n = 1), coalesce(sum(n), 0)"  # noqa: S608 - quoted names
        f" FROM (SELECT count(*) AS n FROM {rows} AS s GROUP BY {', '.join(columns)}) AS groups"
    )
    groups, single, seen = map(float, await raw.fetchrow(sql, timeout=SAMPLE_LIMIT))
    if not single or share >= 1.0:
        return groups
    whole = seen / share
    return max(groups, min(whole, seen * groups / (seen - single + single * seen / whole)))


async def _degree(raw: asyncpg.Connection, rows: str, others: Sequence[str], last: str) -> float:
    """The share of rows whose values of the others stand with one value of the last column only."""
    sql = (
        "SELECT coalesce(sum(n) FILTER (WHERE k = 1), 0), coalesce(sum(n), 0) FROM (SELECT count(*) AS n,"  # noqa: S608
        f" count(DISTINCT {last}) + (count(*) > count({last}))::int AS k FROM {rows} AS s"
        f" GROUP BY {', '.join(others)}) AS groups"
    )
    supporting, seen = map(float, await raw.fetchrow(sql, timeout=SAMPLE_LIMIT))
    return supporting / seen if seen else 0.0
