from __future__ import annotations

import asyncio

import pytest

from dbtui.engines.postgres import query
from dbtui.engines.postgres.query import PostgresQuerier
from dbtui.errors import PermissionDenied, QueryError, QueryTimeout
from dbtui.model.result import Page
from tests.engines.postgres.sessions import new_role, states, working
from tests.servers.postgres import PostgresServer


async def all_rows(querier: PostgresQuerier, sql: str, *, database: str = "") -> Page:
    cursor = await querier.run(sql, database=database)
    page = await cursor.fetch(10_000)
    assert not page.more
    return page


@pytest.mark.parametrize(
    "value",
    [
        "'infinity'::timestamptz", "'-infinity'::date", "'0044-03-15 BC'::date", "'NaN'::numeric",
        "'-Infinity'::float8",
        "'1 mon 2 days 03:00'::interval", "row(1, 'a', null)", "array[1, 2, null]", "'[1,5)'::int4range",
        r"'\x00ff'::bytea", "true", "'ab'::char(5)", "'10.0.0.1'::inet", "'10.0.0.0/8'::cidr", "'{\"a\": 1}'::jsonb",
        "''::text", "'x'::\"char\"", "pg_sleep(0)", "'pg_class'::regclass", "'24:00'::time", "3.10::numeric",
        "B'101'", "point(1,2)", "array['ab'::char(4)]", "array[true]", "'{[1,2]}'::int4multirange", "'a b'::tsvector",
        "'0/1'::pg_lsn", "'sad'::mood", "array['sad'::mood]", "row(1, 'sad')::holder", "array[row(1, 'sad')::holder]",
        "(select c from pg_class c order by oid limit 1)", "'unknown'", "7::positive", "12.50::float4", "'a'::name",
    ],
)  # fmt: skip
async def test_any_value_comes_as_psql_shows_it(postgres: PostgresServer, value: str) -> None:
    postgres.psql(
        "do $$ begin create type mood as enum ('sad'); create type holder as (i int, m mood);"
        " create domain positive as int check (value > 0); exception when duplicate_object then null; end $$"
    )
    async with working(postgres) as (connector, work):
        page = await all_rows(PostgresQuerier(connector, work), f"select {value} as v, null as n")
    assert page.rows == ((postgres.psql(f"select {value}"), None),)


async def test_columns_have_names_types_and_sides(postgres: PostgresServer) -> None:
    async with working(postgres) as (connector, work):
        page = await all_rows(
            PostgresQuerier(connector, work), 'select 1 as a, \'x\' as a, now(), 1.5 as "odd "" name"'
        )
    assert [(c.name, c.type, c.numeric) for c in page.columns] == [
        ("a", "int4", True),
        ("a", "text", False),
        ("now", "timestamptz", False),
        ('odd " name', "numeric", True),
    ]


@pytest.mark.parametrize(
    ("sql", "rows", "first"),
    [
        ("values (1, null), (2, 'x')", 2, ("1", None)),
        ("with x as (select 1 as i) select * from x;", 1, ("1",)),
        ("(select 2) union all select 1 order by 1 -- last", 2, ("1",)),
        ("show server_version_num", 1, None),
        ("explain (costs off) select 1", 1, ("Result",)),
        ("select", 1, ()),
        ("select * from pg_stats limit 3", 3, None),
        ("select 1 where false", 0, None),
        ("table pg_tablespace", 2, None),
        ("/* ; */ select ';' -- ;", 1, (";",)),
    ],
)
async def test_statements_that_return_rows(
    postgres: PostgresServer, sql: str, rows: int, first: tuple[str | None, ...] | None
) -> None:
    async with working(postgres) as (connector, work):
        page = await all_rows(PostgresQuerier(connector, work), sql)
    assert len(page.rows) == rows
    assert first is None or page.rows[0] == first
    assert page.status == f"SELECT {rows}"


@pytest.mark.parametrize(
    ("sql", "message", "code", "position"),
    [
        ("", "no statement", "", None),
        ("-- nothing", "no statement", "", None),
        ("select 1; select 2", "2 statements", "", None),
        ("\\d", "command of psql", "", None),
        ("select 'a\0'", "NUL", "", None),
        ("select '\ud800'", "half a character", "", None),
        ("select $1", "placeholders", "", None),
        (" \n select nope", 'column "nope" does not exist', "42703", 11),
        ("select 1) q union select * from (select 2", "syntax error", "42601", 9),
        ("insert into t values (1)", "INSERT", "25006", None),
        ("with x as (delete from t returning 1) select * from x", "DELETE", "25006", None),
        ("call p()", "CALL", "25006", None),
        ("do $$ begin end $$", "DO", "25006", None),
        ("begin", "BEGIN", "25006", None),
        ("set work_mem = '1MB'", "SET", "25006", None),
        ("copy (select 1) to program 'x'", "COPY", "25006", None),
        ("select pg_terminate_backend(1)", "pg_terminate_backend", "25006", None),
        ("explain analyze delete from t", "DELETE", "25006", None),
    ],
)
async def test_what_is_refused_says_why(
    postgres: PostgresServer, sql: str, message: str, code: str, position: int | None
) -> None:
    async with working(postgres) as (connector, work):
        with pytest.raises(QueryError, match=message) as refused:
            await PostgresQuerier(connector, work).run(sql)
    assert (refused.value.code, refused.value.position) == (code, position)


async def test_a_function_that_writes_is_refused_by_the_server(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql(
        "create table t (i int); create function sneaky() returns int language sql as"
        " 'insert into t values (1) returning i'; create function way_out() returns void language plpgsql as"
        " $$ begin perform set_config('transaction_read_only', 'off', true); insert into t values (2); end $$",
        database,
    )
    async with working(postgres, database) as (connector, work):
        querier = PostgresQuerier(connector, work)
        for sql in ("select sneaky()", "select way_out()"):
            with pytest.raises(QueryError):
                await (await querier.run(sql)).fetch()
    assert postgres.psql("select count(*) from t", database) == "0"


async def test_an_error_in_the_middle_comes_after_the_rows_before_it(postgres: PostgresServer) -> None:
    async with working(postgres) as (connector, work):
        cursor = await PostgresQuerier(connector, work).run(
            "select 1 / (700 - i) from generate_series(1, 900) i"
        )
        page = await cursor.fetch(500)
        assert len(page.rows) == 500
        assert page.more
        with pytest.raises(QueryError, match="division by zero"):
            while True:
                await cursor.fetch(500)


async def test_pages_and_the_total(postgres: PostgresServer) -> None:
    async with working(postgres) as (connector, work):
        cursor = await PostgresQuerier(connector, work).run("select i from generate_series(1, 1100) i")
        sizes, seen = [], []
        while True:
            page = await cursor.fetch()
            sizes.append(len(page.rows))
            seen += [row[0] for row in page.rows]
            if not page.more:
                break
            assert page.status == ""
        assert sizes == [500, 500, 100]
        assert seen == [str(i) for i in range(1, 1101)]
        assert page.status == "SELECT 1100"


async def test_a_session_is_never_idle_in_transaction(postgres: PostgresServer) -> None:
    async with working(postgres) as (connector, work):
        cursor = await PostgresQuerier(connector, work).run("select i from generate_series(1, 20000) i")
        await cursor.fetch(10)
        await asyncio.wait({cursor._task})
        assert "idle in transaction" not in states(postgres)
        assert (await cursor.fetch(5)).rows[0] == ("11",)


async def test_a_cut_result_says_so_and_never_shows_a_total(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MAX_ROWS", 700)
    async with working(postgres) as (connector, work):
        querier = PostgresQuerier(connector, work)
        cursor = await querier.run("select i from generate_series(1, 800) i")
        page = await cursor.fetch(5000)
        assert (len(page.rows), page.more, page.status) == (700, True, "")
        with pytest.raises(QueryError, match="only the first 700 rows"):
            await cursor.fetch()
        page = await (await querier.run("select i from generate_series(1, 700) i")).fetch(5000)
        assert (len(page.rows), page.more, page.status) == (700, False, "SELECT 700")


async def test_wide_rows_are_cut_by_their_bytes(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MAX_BYTES", 20_000_000)
    async with working(postgres) as (connector, work):
        cursor = await PostgresQuerier(connector, work).run(
            "select repeat('x', 1000000) from generate_series(1, 100)"
        )
        page = await cursor.fetch(5000)
        assert page.more
        assert len(page.rows) < 60


async def test_a_running_statement_is_cancelled_at_the_server(postgres: PostgresServer) -> None:
    async with working(postgres) as (connector, work):
        querier = PostgresQuerier(connector, work)
        cursor = await querier.run("select pg_sleep(60)")
        waiting = asyncio.create_task(cursor.fetch())
        await asyncio.sleep(0.05)
        await querier.cancel()
        with pytest.raises(QueryError, match="cancelled") as cancelled:
            await waiting
        assert cancelled.value.code == "57014"
        assert "active" not in states(postgres)
        assert (await all_rows(querier, "select 1")).rows == (("1",),)
        await querier.cancel()


async def test_a_closed_cursor_ends_its_statement(postgres: PostgresServer) -> None:
    async with working(postgres) as (connector, work):
        querier = PostgresQuerier(connector, work)
        await querier.run("select pg_sleep(60)")
        assert (await all_rows(querier, "select 1")).rows == (("1",),), "a new statement ends the one before"
        cursor = await querier.run("select pg_sleep(60)")
        await cursor.close()
        await cursor.close()
        assert states(postgres).count("active") == 0


async def test_the_time_limit(postgres: PostgresServer) -> None:
    async with working(postgres) as (connector, work):
        querier = PostgresQuerier(connector, work)
        with pytest.raises(QueryTimeout):
            await (await querier.run("select pg_sleep(60)", timeout=0.2)).fetch()
        with pytest.raises(QueryTimeout):
            cursor = await querier.run("select pg_sleep(0.01) from generate_series(1, 100000)", timeout=0.5)
            while True:
                await cursor.fetch(10)
        assert (await all_rows(querier, "select 1")).rows == (("1",),)


async def test_in_another_database(postgres: PostgresServer) -> None:
    name = postgres.create_database('other "db" %')
    async with working(postgres) as (connector, work):
        querier = PostgresQuerier(connector, work)
        assert (await all_rows(querier, "select current_database()", database=name)).rows == ((name,),)
        assert (await all_rows(querier, "select current_database()")).rows == (("postgres",),)
    postgres.drop_database(name)


async def test_a_missing_privilege_is_named(postgres: PostgresServer) -> None:
    role = new_role(postgres)
    async with working(postgres, user=role) as (connector, work):
        with pytest.raises(PermissionDenied, match="pg_authid"):
            await (await PostgresQuerier(connector, work).run("select * from pg_authid")).fetch()


async def test_texts_of_an_sql_ascii_database(postgres: PostgresServer) -> None:
    database = postgres.create_database(encoding="SQL_ASCII")
    async with working(postgres, database) as (connector, work):
        page = await all_rows(
            PostgresQuerier(connector, work), r"select convert_from('\x61ff1b5b'::bytea, 'SQL_ASCII'), 'é'"
        )
    assert page.rows == (("a\ufffd\x1b[", "é"),)
