"""What a user typed, run on real servers."""

from __future__ import annotations

import asyncio

import pytest

from dbtui.engines.mysql import query
from dbtui.engines.mysql.query import MysqlQuerier
from dbtui.errors import QueryError, QueryTimeout
from dbtui.model.result import Page
from tests.engines.mysql.sessions import client, working
from tests.servers.mysql import MysqlProtocolServer

SLOW = (
    "select count(*) from information_schema.columns a, information_schema.columns b,"
    " information_schema.columns c where a.ordinal_position + b.ordinal_position > c.ordinal_position"
)


async def answer(server: MysqlProtocolServer, sql: str, database: str = "") -> Page:
    async with working(server, database) as (connector, work):
        return await (await MysqlQuerier(connector, work).run(sql, database=database)).fetch()


async def test_cells_are_what_the_server_prints(mysql: MysqlProtocolServer) -> None:
    page = await answer(
        mysql,
        "select 1 as one, null as nothing, 'grüße 😀' as t, 1.50 as d, -2e300 as f, cast('2025-01-02' as date) as day,"
        " cast('838:59:59' as time) as span, json_object('a', 1) as j, '' as nought",
    )
    assert page.rows == (
        ("1", None, "grüße 😀", "1.50", "-2e300", "2025-01-02", "838:59:59", '{"a": 1}', ""),
    )
    assert [column.name for column in page.columns][:3] == ["one", "nothing", "t"]
    assert [column.numeric for column in page.columns][:5] == [True, False, False, True, True]
    assert not page.more
    assert page.status == "SELECT 1"


async def test_zero_dates_binary_bits_and_spoilt_text_fail_nothing(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    with client(mysql, database) as other:
        cursor = other.cursor()
        cursor.execute("SET SESSION sql_mode = ''")
        cursor.execute(
            "CREATE TABLE t (d DATETIME, y YEAR, b VARBINARY(9), n BINARY(2), bits BIT(12), g GEOMETRY,"
            " s VARCHAR(9) CHARACTER SET latin1, e ENUM('a','b'), bl BLOB)"
        )
        cursor.execute(
            "INSERT INTO t VALUES ('0000-00-00', 0, x'00ff41', x'0102', b'101000000001', ST_GeomFromText('POINT(1 2)'),"
            " _latin1 x'e4f6', 'b', '')"
        )
    page = await answer(mysql, "select * from t", database)
    row = page.rows[0]
    assert row[:5] == ("0000-00-00 00:00:00", "0000", "0x00FF41", "0x0102", "2561")
    assert row[5] is not None
    assert row[5].startswith("0x")
    assert row[6:] == ("äö", "b", "")


async def test_a_row_larger_than_a_packet_is_read(mysql: MysqlProtocolServer) -> None:
    """The protocol cuts at 16 MB - 1; what follows a full packet belongs to it."""
    page = await answer(
        mysql, "select repeat('x', 9000000) as big, repeat('y', 9000000) as bigger, 1 as after_it"
    )
    ((big, bigger, after),) = page.rows
    assert (big or "")[:9] == "x" * 9 and (bigger or "")[:9] == "y" * 9
    assert after == "1"


async def test_rows_come_by_pages(mysql: MysqlProtocolServer) -> None:
    numbers = "with recursive n as (select 1 x union all select x + 1 from n where x < 900) select x from n"
    async with working(mysql) as (connector, work):
        cursor = await MysqlQuerier(connector, work).run(numbers)
        first, second = await cursor.fetch(500), await cursor.fetch(500)
        assert (len(first.rows), len(second.rows)) == (500, 400)
        assert first.more
        assert not second.more
        assert second.status == "SELECT 900"


async def test_a_cut_result_says_so_and_the_next_statement_runs(
    mysql: MysqlProtocolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MAX_ROWS", 700)
    async with working(mysql) as (connector, work):
        querier = MysqlQuerier(connector, work)
        cursor = await querier.run("select 1 from information_schema.columns a, information_schema.columns b")
        page = await cursor.fetch(5_000)
        assert 700 <= len(page.rows) < 5_000
        assert page.more
        with pytest.raises(QueryError, match="only the first"):
            await cursor.fetch()
        assert (await (await querier.run("select 7")).fetch()).rows == (("7",),)


async def test_a_statement_is_cancelled_at_the_server(mysql: MysqlProtocolServer) -> None:
    there = f"select id from information_schema.processlist where info = '{SLOW}'"
    async with working(mysql) as (connector, work):
        querier = MysqlQuerier(connector, work)
        waiting = asyncio.create_task(querier.run(SLOW))
        while not mysql.sql(there):
            await asyncio.sleep(0.02)
        await querier.cancel()
        with pytest.raises(QueryError) as caught:
            await (await waiting).fetch()
        assert caught.value.code == "1317"
        assert not mysql.sql(there)
        assert (await (await querier.run("select 1")).fetch()).rows == (("1",),)


async def test_a_statement_that_takes_too_long_is_ended_at_the_server(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, work):
        querier = MysqlQuerier(connector, work)
        with pytest.raises(QueryTimeout):
            await (await querier.run(SLOW, timeout=0.3)).fetch()
        assert (await (await querier.run("select 1")).fetch()).rows == (("1",),)
    found = mysql.sql(f"select id from information_schema.processlist where info = '{SLOW}'")
    assert found == []


@pytest.mark.parametrize(
    ("sql", "code", "position"),
    [
        ("select * frm t", "1064", 10),
        ("select 1\nfrom dual where where", "1064", 26),
        ("select 1 from no_such.table_at_all", "1146", None),
        ("select nothing", "1054", None),
    ],
)
async def test_mistakes_are_told_with_their_place(
    mysql: MysqlProtocolServer, sql: str, code: str, position: int | None
) -> None:
    with pytest.raises(QueryError) as caught:
        await answer(mysql, sql)
    if code == "1146":
        assert caught.value.code in ("1146", "1049")
    else:
        assert (caught.value.code, caught.value.position) == (code, position)


@pytest.mark.parametrize("sql", ["", "select ?", "select 1; select 2"])
async def test_what_cannot_be_run_is_said_before(mysql: MysqlProtocolServer, sql: str) -> None:
    with pytest.raises(QueryError):
        await answer(mysql, sql)


async def test_a_statement_without_rows_ends_with_none(mysql: MysqlProtocolServer) -> None:
    page = await answer(
        mysql, "select 1 where false" if mysql.engine == "mysql" else "select 1 from dual where false"
    )
    assert page.rows == ()
    assert not page.more
