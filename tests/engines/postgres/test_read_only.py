from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from dbtui.config import Target
from dbtui.engines.postgres.connection import Connection, Connector
from dbtui.engines.postgres.read_only import check
from dbtui.errors import NotApproved, QueryError
from tests.servers.postgres import PostgresServer

SCHEMA = """
create table t(id int primary key, n int); insert into t values (1, 1);
create sequence s;
create function writes() returns int language sql as 'insert into t values (2, 2) returning id';
create function ends(p int) returns bool language plpgsql as 'begin return pg_terminate_backend(p); end';
create view v as select * from t;
create procedure commits() language plpgsql as 'begin commit; insert into t values (3, 3); end';
"""


@pytest.fixture(scope="module")
def prepared() -> dict[int, str]:
    """Server version → its database with the schema; nothing in it ever changes."""
    return {}


@pytest.fixture
async def opened(
    postgres: PostgresServer, prepared: dict[int, str]
) -> AsyncIterator[tuple[Connection, str, PostgresServer]]:
    if postgres.version not in prepared:
        prepared[postgres.version] = postgres.create_database()
        postgres.psql(SCHEMA, prepared[postgres.version])
    database = prepared[postgres.version]
    connector = Connector(Target("t", "postgresql", postgres.url(database)))
    yield await connector.open("work"), database, postgres
    await connector.close()


SERVER_REFUSES = [
    "insert into t values (2, 2)",
    "update t set n = 2",
    "delete from t",
    "with x as (delete from t returning *) select * from x",
    "truncate t",
    "create table x()",
    "create table x as select 1",
    "select * into x from t",
    "drop table t",
    "alter table t add column x int",
    "grant all on t to public",
    "comment on table t is 'x'",
    "select writes()",
    "select nextval('s')",
    "select setval('s', 100)",
    "select * from t for update",
    "explain analyze insert into t values (2, 2)",
    "do $$ begin insert into t values (2, 2); end $$",
    "call commits()",
    "set transaction read write",
    "set transaction_read_only = off",
    "set local transaction_read_only = off",
    "select set_config('transaction_read_only', 'off', true)",
    "copy t from stdin",
    "import foreign schema x from server y into public",
    "select 1; delete from t",
    "select 1; commit; delete from t",
    "commit; delete from t",
]
"""What a read-only transaction after one SELECT, or the extended protocol, refuses by itself."""

SERVER_TAKES = [
    "set default_transaction_read_only = off",
    "set session characteristics as transaction read write",
    "reset all",
    "commit",
    "rollback",
    "begin read write",
    "lock table t in access exclusive mode",
    "reindex table t",
    "cluster t using t_pkey",
    "analyze t",
    "checkpoint",
    "create temp table x(i int)",
    "discard plans",
    "notify x",
    "listen x",
    "prepare p as select 1",
    "copy t to '/dev/null'",
    "copy t to program 'cat > /dev/null'",
    "do $$ begin perform pg_reload_conf(); end $$",
    "select pg_advisory_lock(1)",
    "select pg_try_advisory_lock(1)",
    "select pg_terminate_backend(0)",
    "select pg_cancel_backend(0)",
    "select pg_reload_conf()",
    "select pg_switch_wal()",
    "select pg_stat_reset()",
    "select lo_export(0, '/dev/null')",
    "select pg_create_restore_point('x')",
    "select query_to_xml('select pg_reload_conf()', true, true, '')",
    "explain analyze select pg_reload_conf()",
]
"""What only the look at the text refuses."""


@pytest.mark.parametrize("sql", SERVER_REFUSES)
async def test_the_server_refuses_what_writes(
    sql: str, opened: tuple[Connection, str, PostgresServer]
) -> None:
    """Also where the look at the text would be fooled: it is switched off here."""
    connection, database, server = opened
    with pytest.raises(QueryError):
        async with connection.reading(timeout=5) as raw:
            raw.guarded = False
            await raw.fetch(sql)
    assert server.psql("select count(*), max(n) from t", database) == "1|1"
    assert (await connection.fetch("select current_setting('transaction_read_only')"))[0][0] == "on"


@pytest.mark.parametrize(
    "sql", [*SERVER_TAKES, *(s for s in SERVER_REFUSES if ";" not in s and "writes()" not in s)]
)
async def test_the_look_at_the_text_refuses_the_rest(
    sql: str, opened: tuple[Connection, str, PostgresServer]
) -> None:
    with pytest.raises(NotApproved):
        check(sql)
    connection = opened[0]
    for way in ("fetch", "fetchrow", "fetchval", "prepare", "cursor"):
        with pytest.raises(NotApproved):
            async with connection.reading(timeout=5) as raw:
                await getattr(raw, way)(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "  -- why\n(select 1)",
        "with x as (select 1) select * from x",
        "values (1), (2)",
        "table v",
        "show all",
        "explain delete from t",
        "explain (analyze off) delete from t",
        "explain (analyze, buffers) select * from t",
        "select 'pg_terminate_backend(1)'",
        "select pg_terminate_backend from (values (1)) x(pg_terminate_backend)",
        "select pg_read_file('postgresql.conf') is not null",
    ],
)
async def test_queries_run(sql: str, opened: tuple[Connection, str, PostgresServer]) -> None:
    async with opened[0].reading(timeout=5) as raw:
        assert await raw.fetch(sql)


async def test_nothing_stays_after_the_transaction(
    opened: tuple[Connection, str, PostgresServer],
) -> None:
    """Even when the text's look is fooled, what a session setting changed is rolled back."""
    connection, _, server = opened
    for sql in ("set default_transaction_read_only = off", "select set_config('search_path', 'x', false)"):
        async with connection.reading(timeout=5) as raw:
            raw.guarded = False
            await raw.fetch(sql)
    found = await connection.fetch(
        "select current_setting('default_transaction_read_only') a, current_setting('search_path') b"
    )
    assert tuple(found[0]) == ("on", '"$user", public')
    assert server.psql(f"select state from pg_stat_activity where pid = {connection.pid}") == "idle"


async def test_what_no_look_at_a_text_can_see(opened: tuple[Connection, str, PostgresServer]) -> None:
    """A user's function may signal another session: read-only cannot stop it, and the product says so."""
    connection, database, server = opened
    victim = await asyncpg.connect(server.url(database))
    async with connection.reading(timeout=5) as raw:
        assert await raw.fetchval(f"select ends({victim.get_server_pid()})")
    async with asyncio.timeout(5):
        while not victim.is_closed():
            await asyncio.sleep(0.01)


async def test_a_session_of_the_consoles_own_questions_is_read_only_too(
    opened: tuple[Connection, str, PostgresServer],
) -> None:
    with pytest.raises(QueryError, match="read-only transaction"):
        await opened[0].fetch("create table x()")
