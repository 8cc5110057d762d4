"""Statements with their counters, on real servers."""

from __future__ import annotations

from dbtui.engines.mysql.activity import MysqlMonitor
from dbtui.engines.mysql.statements import sampled
from dbtui.engines.mysql.wire import MARK
from dbtui.live.rates import deltas
from dbtui.model.activity import Session, Statement, Statements
from tests.engines.mysql.sessions import Clock, client, monitoring, running, sample, seen, statements, until
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer


def mine(found: tuple[Statement, ...], database: str) -> list[Statement]:
    return [statement for statement in found if statement.database == database]


async def counted(monitor: MysqlMonitor, database: str, calls: int) -> Statements:
    """The statements once so many calls have brought rows: each is counted after its client has the answer."""

    async def look() -> Statements | None:
        found = await statements(monitor)
        enough = any(s.rows and s.calls >= calls for s in mine(found.statements, database))
        return found if enough else None

    return await until(look, f"{calls} calls in the digests")


async def test_digests_count_what_ran_between_two_samples(mysql: MysqlProtocolServer) -> None:
    name = mysql.create_database()
    mysql.sql(f"CREATE TABLE {name}.t (a INT)", f"INSERT INTO {name}.t VALUES (1), (2), (3)")
    async with monitoring(mysql) as monitor:
        mysql.sql("SELECT a FROM t WHERE a > -1", database=name)
        before = await counted(monitor, name, 1)
        for number in range(5):
            mysql.sql(f"SELECT a FROM t WHERE a > {number - 10}", database=name)
        after = await counted(monitor, name, 6)
        found = [delta for delta in deltas(before, after, 5.0) if delta.statement.database == name]
        grown = next(delta for delta in found if delta.rows)
        assert (grown.calls, grown.rows, grown.rows_read) == (5, 15, 15)
        assert grown.total_ms > 0
        assert grown.statement.query is not None
        assert "?" in grown.statement.query
        assert "`a`" in grown.statement.query
        assert before.source == after.source == "events_statements_summary_by_digest"


async def test_what_the_console_asks_again_and_again_is_left_out(mysql: MysqlProtocolServer) -> None:
    name = mysql.create_database()
    table = "performance_schema.events_statements_summary_by_digest"
    mysql.sql(f"TRUNCATE TABLE {table}")  # else this one is not among those whose texts are wanted
    async with monitoring(mysql) as monitor:
        mysql.sql("SELECT 1 AS anybody", database=name)
        for _ in range(3):
            await sample(monitor)
            found = await statements(monitor)
    asked = " ".join(
        text for (text,) in mysql.sql(f"SELECT DIGEST_TEXT FROM {table} WHERE DIGEST_TEXT LIKE '%{MARK}%'")
    )
    shown = " ".join(statement.query or "" for statement in found.statements)
    for question in ("SHOW GLOBAL STATUS", "GROUP_CONCAT", "DIGEST_TEXT", "PROCESSLIST", "ATTR_VALUE"):
        assert question in asked.upper()
    assert "anybody" in shown
    assert MARK not in shown


async def test_texts_of_other_encodings_and_names_of_databases_fail_nothing(
    mysql: MysqlProtocolServer,
) -> None:
    name = "größe \n 1"
    mysql.sql(f"CREATE DATABASE IF NOT EXISTS `{name}`")
    async with monitoring(mysql) as monitor:
        await statements(monitor)
        with client(mysql, name) as other:
            cursor = other.cursor()
            cursor.execute("SELECT 1 AS `ключ`, 'x'")
        after = await statements(monitor)
        shown = mine(after.statements, name)
        assert any("ключ" in (statement.query or "") for statement in shown)


async def test_counters_that_were_emptied_are_read_anew(mysql: MysqlProtocolServer) -> None:
    name = mysql.create_database()
    async with monitoring(mysql) as monitor:
        for _ in range(3):
            mysql.sql("SELECT 'reset', 17", database=name)
        before = await statements(monitor)
        assert max(statement.calls for statement in mine(before.statements, name)) == 3
        mysql.sql("TRUNCATE performance_schema.events_statements_summary_by_digest")
        mysql.sql("SELECT 'reset', 18", database=name)
        after = await statements(monitor)
        assert [s.calls for s in mine(after.statements, name) if "17" not in (s.query or "") and s.rows] == [
            1
        ]
        assert len(after.statements) < len(before.statements)


async def test_all_are_read_once_a_minute(mysql: MysqlProtocolServer) -> None:
    clock = Clock()
    name = mysql.create_database()
    async with monitoring(mysql, clock=clock) as monitor:
        mysql.sql("SELECT 'gone soon'", database=name)
        assert mine((await statements(monitor)).statements, name)
        mysql.sql("TRUNCATE performance_schema.events_statements_summary_by_digest")
        clock.now += 61.0
        assert not mine((await statements(monitor)).statements, name)


async def test_a_table_without_room_says_how_many_it_left_out() -> None:
    with MariadbServer({"performance-schema": "ON", "performance-schema-digests-size": "5"}) as server:
        async with monitoring(server) as monitor:
            for column in range(12):
                server.sql(f"SELECT 1 AS c{column}, {'1, ' * column} 2")
            found = await statements(monitor)
            assert len(found.statements) <= 5
            assert found.evicted is not None
            assert found.evicted > 5


async def test_without_performance_schema_activity_is_sampled_and_the_switch_is_named(
    bare_mariadb: MariadbServer,
) -> None:
    clock = Clock()
    async with monitoring(bare_mariadb, clock=clock) as monitor:
        with client(bare_mariadb) as other, running(other, "select sleep(60), 'secret'"):
            await seen(monitor, other.thread_id(), lambda s: bool(s.query))
            clock.now += 2.0
            await sample(monitor)
            found = await statements(monitor)
            bare_mariadb.sql(f"KILL {other.thread_id()}")
    assert found.source == "sampled activity"
    assert "performance_schema = ON" in found.note
    assert [statement.query for statement in found.statements] == ["select sleep(?), ?"]
    assert found.statements[0].calls >= 1


async def test_a_missing_privilege_falls_back_to_sampling_with_its_grant(mysql: MysqlProtocolServer) -> None:
    user = mysql.create_user("PROCESS ON *.*")
    async with monitoring(mysql, user) as monitor:
        found = await statements(monitor)
    assert found.source == "sampled activity"
    grant = f"GRANT SELECT ON performance_schema.* TO '{user}'@'%';"
    assert grant in found.note
    mysql.sql(grant)
    async with monitoring(mysql, user) as monitor:
        assert (await statements(monitor)).source == "events_statements_summary_by_digest"


def test_sampled_shapes_have_no_literals() -> None:
    made = sampled()
    session = Session(
        id="1", started="", user="u", database="d", application="", client="", kind="client backend", state="active",
        wait_type="", wait="", query='select "hidden" from t where a = 0x41', query_age=3.0,
    )  # fmt: skip
    made.observe([session], now=1.0)
    made.observe([session], now=2.0)
    (statement,) = made.seen(note="").statements
    assert statement.query == "select ? from t where a = ?"
