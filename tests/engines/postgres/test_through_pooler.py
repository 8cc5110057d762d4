"""Catalog, query, plans and writes through PgBouncer in transaction mode."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from dbtui.config import resolve
from dbtui.engines.postgres.actions import PostgresActions
from dbtui.engines.postgres.catalog import PostgresCatalog
from dbtui.engines.postgres.connection import Connector
from dbtui.engines.postgres.explain import PostgresExplainer
from dbtui.engines.postgres.query import PostgresQuerier
from dbtui.safety import approve, scope_of
from tests.servers.pgbouncer import PgBouncer


@pytest.fixture
async def way(pgbouncer: PgBouncer) -> AsyncIterator[Connector]:
    found = Connector(resolve(pgbouncer.url(), environ={}))
    server = await found.connect()
    assert server.pooler
    yield found
    await found.close()


async def left_behind(pgbouncer: PgBouncer) -> list[str]:
    """Prepared statements and settings that the next client of the pooler would meet."""
    raw = await asyncpg.connect(pgbouncer.url(), statement_cache_size=0)
    rows = await raw.fetch(
        "select name::text from pg_prepared_statements where name <> '' union all"
        " select name from pg_settings where source = 'session' and name in ('lock_timeout', 'plan_cache_mode')"
    )
    await raw.close()
    return [row[0] for row in rows]


async def test_each_part_works_and_leaves_nothing_behind(way: Connector, pgbouncer: PgBouncer) -> None:
    before = await left_behind(
        pgbouncer
    )  # what other tests' clients have prepared, under the pooler's own names
    work = way.work()
    for _ in range(3):
        page = await (
            await PostgresQuerier(way, work).run("select i, 'x'::name from generate_series(1, 900) i")
        ).fetch(1000)
        assert len(page.rows) == 900
        plan = await PostgresExplainer(way, work).explain("select * from pg_class where oid = $1")
        assert "Index Scan" in plan.text
        catalog = PostgresCatalog(way, work)
        (database, *_) = [node for node in await catalog.children(None) if node.name == "postgres"]
        assert await catalog.children(database)
        for sql in ("create temporary table t (i int)", "drop table if exists t", "vacuum pg_am"):
            await PostgresActions(way).write(sql, approve(way.target.name, scope_of(sql), "x"))
    assert set(await left_behind(pgbouncer)) <= set(before)
