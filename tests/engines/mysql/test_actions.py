"""Cancel, terminate and write: the exact target, re-checked, and nothing without an approval."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pymysql
import pytest

from dbtui.engines.mysql.actions import MysqlActions
from dbtui.engines.mysql.activity import MysqlMonitor
from dbtui.errors import NotApproved, PermissionDenied, QueryError, QueryTimeout
from dbtui.model.activity import Session
from dbtui.safety import Approval, approve, scope_of
from tests.engines.mysql.sessions import client, running, seen, working
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer

SLOW = "select sleep(60) + 0.25"


def leave(verb: str, session: Session) -> Approval:
    return approve("test", f"{verb}:{session.id}:{session.started}", "why")


async def test_cancel_ends_the_statement_and_keeps_the_session(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, _):
        with client(mysql) as other:
            with running(other, SLOW):
                session = await seen(MysqlMonitor(connector), other.thread_id(), lambda s: s.query == SLOW)
                assert await MysqlActions(connector).cancel(session, leave("cancel", session))
            other.ping(reconnect=False)


async def test_terminate_ends_the_session(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, _):
        monitor, actions = MysqlMonitor(connector), MysqlActions(connector)
        with client(mysql) as other:
            session = await seen(monitor, other.thread_id())
            assert await actions.terminate(session, leave("terminate", session))
            with pytest.raises(pymysql.err.Error):
                other.ping(reconnect=False)
            assert not await actions.terminate(session, leave("terminate", session))


async def test_another_session_of_the_same_number_is_spared(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, _):
        with client(mysql) as other:
            session = await seen(MysqlMonitor(connector), other.thread_id())
            boot, _, who = session.started.partition(" ")
            for started in (
                f"{int(boot) - 60} {who}",
                f"{boot} somebody@localhost",
                f"{boot} {who}:4711",
                "",
            ):
                impostor = replace(session, started=started)
                assert not await MysqlActions(connector).terminate(impostor, leave("terminate", impostor))
            other.ping(reconnect=False)


async def test_after_a_restart_nothing_of_before_is_hit(bare_mariadb: MariadbServer) -> None:
    server = bare_mariadb
    async with working(server) as (connector, _):
        with client(server) as before:
            session = await seen(MysqlMonitor(connector), before.thread_id())
    boot, _, who = session.started.partition(" ")
    server.restart()
    async with working(server) as (connector, _):
        with client(server) as other:
            old = replace(session, id=str(other.thread_id()), started=f"{int(boot) - 10} {who}")
            assert not await MysqlActions(connector).terminate(old, leave("terminate", old))
            other.ping(reconnect=False)


async def test_an_approval_covers_one_session_and_one_action(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, _):
        with client(mysql) as other:
            session = await seen(MysqlMonitor(connector), other.thread_id())
            actions = MysqlActions(connector)
            with pytest.raises(NotApproved):
                await actions.terminate(session, leave("cancel", session))
            with pytest.raises(NotApproved):
                await actions.cancel(replace(session, id="1"), leave("cancel", session))
            other.ping(reconnect=False)


async def test_a_user_without_the_right_is_told_the_grant(mysql: MysqlProtocolServer) -> None:
    user = mysql.create_user("PROCESS ON *.*")
    async with working(mysql, user=user) as (connector, _):
        with client(mysql) as other:
            session = await seen(MysqlMonitor(connector), other.thread_id())
            with pytest.raises(PermissionDenied) as caught:
                await MysqlActions(connector).terminate(session, leave("terminate", session))
            other.ping(reconnect=False)
            mysql.sql(caught.value.remedy)
            if mysql.engine == "mysql":  # root has SYSTEM_USER, which another user may not touch
                mysql.sql(f"GRANT SYSTEM_USER ON *.* TO '{user}'@'%'")
    async with working(mysql, user=user) as (connector, _):
        with client(mysql) as other:
            session = await seen(MysqlMonitor(connector), other.thread_id())
            assert await MysqlActions(connector).terminate(session, leave("terminate", session))


@pytest.mark.parametrize("procedure", ["rds_kill", "az_kill"])
async def test_the_procedures_of_managed_services_are_used_where_they_are(
    mysql: MysqlProtocolServer, procedure: str
) -> None:
    mysql.sql(
        f"CREATE PROCEDURE mysql.{procedure}(IN thread BIGINT) SQL SECURITY DEFINER"
        " BEGIN SET @sql = CONCAT('KILL ', thread); PREPARE s FROM @sql; EXECUTE s; END"
    )
    try:
        user = mysql.create_user("PROCESS ON *.*", f"EXECUTE ON PROCEDURE mysql.{procedure}")
        victim = mysql.create_user()
        async with working(mysql, user=user) as (connector, _):
            with client(mysql, user=victim, password=mysql.password) as other:
                session = await seen(MysqlMonitor(connector), other.thread_id())
                assert await MysqlActions(connector).terminate(session, leave("terminate", session))
                with pytest.raises(pymysql.err.Error):
                    other.ping(reconnect=False)
    finally:
        mysql.sql(f"DROP PROCEDURE mysql.{procedure}")


async def test_a_write_needs_its_approval_and_is_committed(mysql: MysqlProtocolServer) -> None:
    name = mysql.create_database()
    mysql.sql(f"CREATE TABLE {name}.t (a INT)")
    sql = "insert into t values (1), (2)"
    async with working(mysql) as (connector, _):
        actions = MysqlActions(connector)
        with pytest.raises(NotApproved):
            await actions.write(sql, approve("test", scope_of("select 1"), "why"), database=name)
        page = await actions.write(sql, approve("test", scope_of(sql), "why"), database=name)
        assert page.status == "INSERT 2"
        procedure = "create procedure p() begin select 1; select 2; end"
        await actions.write(procedure, approve("test", scope_of(procedure), "why"), database=name)
        question = "select a from t order by a"
        page = await actions.write(question, approve("test", scope_of(question), "why"), database=name)
        assert page.rows == (("1",), ("2",))
    assert mysql.sql(f"SELECT COUNT(*) FROM {name}.t") == [(2,)]
    assert mysql.sql(
        f"SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '{name}'"
    ) == [("p",)]


@pytest.mark.parametrize(
    "sql", ["begin", "commit", "xa start 'x'", "insert into t values (1); delete from t", ""]
)
async def test_what_is_no_single_statement_is_not_written(mysql: MysqlProtocolServer, sql: str) -> None:
    async with working(mysql) as (connector, _):
        with pytest.raises(QueryError):
            await MysqlActions(connector).write(sql, approve("test", scope_of(sql), "why"))


async def test_a_failed_write_leaves_nothing(mysql: MysqlProtocolServer) -> None:
    name = mysql.create_database()
    mysql.sql(f"CREATE TABLE {name}.t (a INT PRIMARY KEY)")
    sql = "insert into t values (1), (2), (1)"
    async with working(mysql) as (connector, _):
        with pytest.raises(QueryError) as caught:
            await MysqlActions(connector).write(sql, approve("test", scope_of(sql), "why"), database=name)
    assert caught.value.code == "1062"
    assert mysql.sql(f"SELECT * FROM {name}.t") == []


async def test_a_write_waits_for_no_lock_for_long(mysql: MysqlProtocolServer) -> None:
    name = mysql.create_database()
    mysql.sql(f"CREATE TABLE {name}.t (a INT)")
    sql = "alter table t add column b int"
    async with working(mysql) as (connector, _):
        with client(mysql, name, autocommit=False) as other:
            other.query("SELECT * FROM t")
            with pytest.raises(QueryTimeout):
                await MysqlActions(connector).write(sql, approve("test", scope_of(sql), "why"), database=name)


async def test_what_is_at_stake_is_looked_up(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql(
        "create table t (n int primary key, v int)",
        "insert into t values (1, 1), (2, 2), (3, 3)",
        "commit",
        database=database,
    )
    async with working(mysql) as (connector, _):
        with client(mysql, database) as other:
            cursor = other.cursor()
            cursor.execute("begin")
            cursor.execute("update t set v = v + 10")
            session = await seen(MysqlMonitor(connector), other.thread_id())
            stakes = await MysqlActions(connector).stakes(session)
            assert stakes.wrote and stakes.rows == 3 and stakes.cancel_frees is False
            assert any("row lock" in lock for lock in stakes.locks)
            other.rollback()
            async with asyncio.timeout(
                5
            ):  # answered from a cache until nobody has asked for a tenth of a second
                while (nothing := await MysqlActions(connector).stakes(session)).rows != 0:
                    await asyncio.sleep(0.15)
            assert nothing.wrote is False


async def test_a_server_that_takes_no_writes_says_where_they_go(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    user = mysql.create_user(f"ALL ON {database}.*")
    sql = "CREATE TABLE t (a INT)"
    mysql.sql("SET GLOBAL read_only = 1")
    try:
        async with working(mysql, database, user) as (connector, _):
            with pytest.raises(QueryError, match="read-only") as refused:
                await MysqlActions(connector).write(sql, approve("test", scope_of(sql), "wanted"))
    finally:
        mysql.sql("SET GLOBAL read_only = 0")
    assert "write to its source" in refused.value.hint
