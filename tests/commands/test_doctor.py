"""The statistics doctor: each cause on a real server, and the estimate that its remedy really gives."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from dbtui.commands.doctor import diagnose
from dbtui.commands.server_plans import explain_on
from dbtui.config import resolve
from dbtui.engines import create
from dbtui.engines.base import Engine
from dbtui.errors import UsageError
from dbtui.model.diagnosis import Cause
from dbtui.output import diagnosis as output
from dbtui.plans import parse
from tests.servers.postgres import PostgresServer

SCHEMA = """
create table places (id int, city text, country text);
insert into places select i, 'city ' || i % 200, 'country ' || (i % 200) / 10 from generate_series(1, 60000) i;
create table codes (id int, code text, at timestamptz);
insert into codes select i, 'C' || i % 50, '2024-01-01'::timestamptz + (i % 1000) * interval '1 hour'
  from generate_series(1, 60000) i;
create table jobs (id int, state text) with (autovacuum_enabled = off);
insert into jobs select i, 'done' from generate_series(1, 1000) i;
create table skewed (id int, v int);
insert into skewed select i, case when i % 1000 < 600 then i % 300 else 100000 + i % 4000 end
  from generate_series(1, 100000) i;
alter table skewed alter v set statistics 1;
create table told (id int, v int);
insert into told select i, i % 25000 from generate_series(1, 50000) i;
alter table told alter v set (n_distinct = 10);
create table big (id int, a text, b text);
insert into big select i, 'a' || i % 100, 'b' || i % 100 from generate_series(1, 400000) i;
"""
SETTLE = "select pg_stat_force_next_flush(); select pg_sleep(0.1);"


@pytest.fixture(scope="module")
def sick(postgres: PostgresServer) -> str:
    database = postgres.create_database()
    postgres.psql(f"{SCHEMA} {SETTLE}", database=database)
    postgres.psql(f"analyze; {SETTLE}", database=database)
    postgres.psql(
        f"insert into jobs select i, 'new' from generate_series(1, 60000) i; {SETTLE}", database=database
    )
    return database


@pytest.fixture
async def engine(postgres: PostgresServer, sick: str) -> AsyncIterator[Engine]:
    engine = create(resolve(postgres.url(sick)))
    await engine.open()
    yield engine
    await engine.close()


CASES = [
    ("select * from places where city = 'city 7' and country = 'country 0'", Cause.CORRELATED, "CREATE STATISTICS"),
    ("select city, country, count(*) from places group by 1, 2", Cause.CORRELATED, "CREATE STATISTICS"),
    ("select * from codes where lower(code) = 'c7'", Cause.EXPRESSION, "CREATE STATISTICS"),
    ("select * from codes where at::date = '2024-01-03'", Cause.EXPRESSION, "CREATE STATISTICS"),
    ("select * from jobs where state = 'new'", Cause.STALE, "ANALYZE"),
    ("select * from skewed where v = 299", Cause.SKEWED, "SET STATISTICS"),
    ("select * from told where v = 77", Cause.DISTINCT, "SET (n_distinct"),
    ("select * from big where a = 'a3' and b = 'b3'", Cause.CORRELATED, "CREATE STATISTICS"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "cause", "statement"), CASES)
async def test_the_remedy_gives_the_estimate_that_was_told(
    postgres: PostgresServer, sick: str, engine: Engine, sql: str, cause: Cause, statement: str
) -> None:
    plan = await explain_on(engine, sql, analyze=True)
    found = await diagnose(engine, plan)
    remedies = [remedy for one in found for remedy in one.remedies]
    assert [remedy.cause for remedy in remedies] == [cause], output.text(found)
    remedy = remedies[0]
    assert statement in remedy.sql[0] and remedy.expected is not None
    after = await _mended(postgres, sick, remedy.sql, sql)
    assert after == pytest.approx(remedy.expected, rel=0.35, abs=3)
    assert after == pytest.approx(found[0].actual, rel=0.35, abs=3)
    assert after != pytest.approx(found[0].estimated, rel=0.35)


async def _mended(postgres: PostgresServer, database: str, statements: tuple[str, ...], sql: str) -> float:
    """The estimate after the remedy, which is rolled back: the next case finds the table as it was."""
    connection = await asyncpg.connect(
        host=str(postgres.socket), port=postgres.port, user="postgres", database=database
    )
    try:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)
            text = await connection.fetchval(f"explain (verbose, format json) {sql}")
            raise _Back(text)
    except _Back as back:
        return parse(back.args[0]).nodes[0].estimated_rows or 0.0
    finally:
        await connection.close()


class _Back(Exception):
    """Ends a transaction with a rollback."""


async def test_a_healthy_plan_has_no_diagnosis(engine: Engine) -> None:
    plan = await explain_on(engine, "select * from places where city = 'city 7'", analyze=True)
    assert await diagnose(engine, plan) == ()
    assert output.text(()) == output.HEALTHY + "\n"
    with pytest.raises(UsageError, match="--analyze"):
        await diagnose(engine, await explain_on(engine, "select * from places"))


async def test_what_cannot_be_tested_is_said(engine: Engine) -> None:
    sql = "select * from places p where p.city = (select 'city ' || max(id) % 1 from codes) and p.country like '%x%'"
    plan = await explain_on(engine, sql, analyze=True)
    found = await diagnose(engine, plan)
    told = json.loads(output.json(found))
    assert told["version"] == 1
    for one in found:
        assert one.remedies or one.notes


async def test_statistics_that_are_there_are_not_proposed_again(
    postgres: PostgresServer, sick: str, engine: Engine
) -> None:
    sql = CASES[0][0]
    postgres.psql("create statistics there on city, country from places", database=sick)
    try:
        found = await diagnose(engine, await explain_on(engine, sql, analyze=True))
        assert [remedy for one in found for remedy in one.remedies] == []
    finally:
        postgres.psql("drop statistics there", database=sick)
