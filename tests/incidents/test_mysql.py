from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack

from tests.engines.mysql.sessions import client, running
from tests.incidents.watch import watched
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer


async def test_a_pile_up_behind_an_idle_transaction(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql(
        "create table stock (n int primary key, v int)",
        "insert into stock values (1, 1)",
        "commit",
        database=database,
    )
    with ExitStack() as stack:
        root, *waiters = (stack.enter_context(client(mysql, database)) for _ in range(3))
        root.query("begin")
        root.query("update stock set v = 2 where n = 1")
        with ExitStack() as statements:
            for waiter in waiters:
                statements.enter_context(running(waiter, "update stock set v = 3 where n = 1"))
            async with watched(mysql.url()) as incident:
                found = await incident.named("any-blocked-sessions")
                assert found.object == str(root.thread_id())
                assert (
                    "idle in a transaction for" in found.message and found.evidence["waits_on"] == "Lock:row"
                )
            root.rollback()


async def test_a_queue_for_a_metadata_lock(mysql9: MysqlServer) -> None:
    database = mysql9.create_database()
    mysql9.sql("create table orders (n int)", "insert into orders values (1)", "commit", database=database)
    with ExitStack() as stack:
        reader, deploy, web = (stack.enter_context(client(mysql9, database)) for _ in range(3))
        reader.query("begin")
        reader.query("select * from orders")
        with running(deploy, "alter table orders add column c int"):
            async with watched(mysql9.url()) as incident:
                found = await incident.named("any-blocked-sessions")
                with running(web, "select * from orders"):
                    deadline = time.monotonic() + 20
                    while found.evidence["waiting"] != 2 and time.monotonic() < deadline:
                        found = await incident.named("any-blocked-sessions")
                        incident.session.refresh()
                        await asyncio.sleep(0.1)
                    assert found.evidence["waiting"] == 2
                    assert found.object == str(reader.thread_id()), "the reader is the root, not the ALTER"
                    assert f"1 of them behind {deploy.thread_id()}, which waits too: alter" in found.message
                    assert (
                        "metadata" in str(found.evidence["waits_on"])
                        and found.evidence["kind"] == "table lock"
                    )
                    reader.rollback()
            reader.rollback()


async def test_a_queue_whose_holder_the_server_does_not_tell(mariadb11: MariadbServer) -> None:
    database = mariadb11.create_database()
    mariadb11.sql("create table orders (n int)", "insert into orders values (1)", "commit", database=database)
    with ExitStack() as stack:
        reader, deploy, web = (stack.enter_context(client(mariadb11, database)) for _ in range(3))
        reader.query("begin")
        reader.query("select * from orders")
        with running(deploy, "alter table orders add column c int"), running(web, "select * from orders"):
            try:
                async with watched(mariadb11.url(), {"any-holder-not-told": {"seconds": 0.2}}) as incident:
                    found = await incident.named("any-holder-not-told")
                    assert f"probably for {reader.thread_id()} (root)" in found.message
                    assert found.object == str(reader.thread_id())
            finally:
                reader.rollback()


async def test_a_connection_storm_names_who_it_is(mysql9: MysqlServer) -> None:
    with ExitStack() as stack:
        for _ in range(11):
            stack.enter_context(client(mysql9, program_name="importer"))
        async with watched(mysql9.url(), {"any-connections-scarce": {"share": 0.05}}) as incident:
            found = await incident.named("any-connections-scarce")
            assert "11 of them by importer as root" in found.message


async def test_a_long_reader_keeps_the_history(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql(
        "create table t (n int primary key, v int)",
        "insert into t values (1, 1)",
        "commit",
        database=database,
    )
    with client(mysql, database) as reader, client(mysql, database) as writer:
        reader.query("start transaction with consistent snapshot")
        reader.query("select * from t")
        for n in range(300):
            writer.query(f"update t set v = {n}")
            writer.commit()
        async with watched(mysql.url(), {"my-history-list": {"length": 100}}) as incident:
            found = await incident.named("my-history-list")
            assert f"session {reader.thread_id()}" in found.message and found.object == str(
                reader.thread_id()
            )
