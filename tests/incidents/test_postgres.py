from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest

from tests.engines.postgres.monitoring import client
from tests.incidents.watch import watched
from tests.servers.postgres import PostgresServer


@pytest.fixture(scope="module")
def small() -> Iterator[PostgresServer]:
    """Few connections, and little room for the log of slots."""
    settings = {
        "max_connections": "20", "max_slot_wal_keep_size": "48MB", "max_wal_size": "64MB", "wal_keep_size": "0",
        "max_prepared_transactions": "3",
    }  # fmt: skip
    with PostgresServer(18, settings) as server:
        yield server


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def waiting(*tasks: asyncio.Task[Any]) -> None:
    """Take what became of statements that waited."""
    await asyncio.wait(tasks)
    for task in tasks:
        task.exception()


async def test_a_pile_up_behind_an_idle_transaction(postgres: PostgresServer, stack: AsyncExitStack) -> None:
    database = postgres.create_database()
    postgres.psql("create table stock (n int, v int); insert into stock values (1, 1)", database)
    root = await stack.enter_async_context(client(postgres, "checkout", database))
    await root.execute("begin; update stock set v = 2 where n = 1")
    waiters = [await stack.enter_async_context(client(postgres, f"web{n}", database)) for n in range(3)]
    tasks = [asyncio.create_task(w.execute("update stock set v = 3 where n = 1")) for w in waiters]
    async with watched(postgres.url()) as incident:
        async with asyncio.timeout(20):
            while (found := await incident.named("any-blocked-sessions")).evidence["waiting"] != 3:
                await asyncio.sleep(0.1)
        assert found.object == str(root.get_server_pid())
        assert "3 wait behind session" in found.message and "checkout" in found.message
        assert "idle in a transaction for" in found.message and "update stock set v = 2" in found.message
        resting = await incident.named("any-idle-in-transaction")
        assert resting.object == found.object
    root.terminate()
    await waiting(*tasks)


async def test_an_alter_that_waits_for_a_reader_and_stops_all_others(
    postgres: PostgresServer, stack: AsyncExitStack
) -> None:
    database = postgres.create_database()
    postgres.psql("create table orders (n int)", database)
    reader = await stack.enter_async_context(client(postgres, "report", database))
    await reader.execute("begin; select * from orders")
    deploy = await stack.enter_async_context(client(postgres, "deploy", database))
    alter = asyncio.create_task(deploy.execute("alter table orders add column c int"))
    async with watched(postgres.url()) as incident:
        await incident.named("any-blocked-sessions")
        web = await stack.enter_async_context(client(postgres, "web", database))
        select = asyncio.create_task(web.execute("select * from orders"))
        async with asyncio.timeout(20):
            while (found := await incident.named("any-blocked-sessions")).evidence["waiting"] != 2:
                await asyncio.sleep(0.1)
        assert found.object == str(reader.get_server_pid()), (
            "the reader is the root, not the ALTER that waits"
        )
        assert "report" in found.message and found.evidence["waits_on"] == "Lock:relation"
        queue = f"1 of them behind {deploy.get_server_pid()}, which waits too: alter table orders"
        assert queue in found.message and found.advice.startswith(f"cancel {deploy.get_server_pid()}")
    reader.terminate()
    await waiting(alter, select)


async def test_a_prepared_transaction_that_nobody_ends(small: PostgresServer, stack: AsyncExitStack) -> None:
    small.psql("create table held (n int); begin; lock held; prepare transaction 'two-phase'")
    waiter = await stack.enter_async_context(client(small, "web"))
    task = asyncio.create_task(waiter.execute("select * from held"))
    async with watched(small.url()) as incident:
        found = await incident.named("any-blocked-sessions")
        assert "gid two-phase" in found.message and "prepared transaction" in found.message
    small.psql("rollback prepared 'two-phase'; drop table held")
    await waiting(task)


async def test_a_connection_storm_names_who_it_is(small: PostgresServer, stack: AsyncExitStack) -> None:
    for _ in range(13):
        await stack.enter_async_context(client(small, "cron-importer"))
    async with watched(small.url()) as incident:
        found = await incident.named("any-connections-scarce")
        assert "13 of them by cron-importer as postgres" in found.message
        assert found.evidence["idle"] == 13


async def test_a_slot_that_nobody_reads(small: PostgresServer, stack: AsyncExitStack) -> None:
    small.psql("select pg_create_physical_replication_slot('gone_replica', true); create table log (t text)")
    writer: asyncpg.Connection = await stack.enter_async_context(client(small, "writer"))

    async def write() -> None:
        while True:
            await writer.execute("insert into log select repeat('x', 1000) from generate_series(1, 4000)")
            await asyncio.sleep(0.1)

    task = asyncio.create_task(write())
    changes = {"pg-slot-retains-wal": {"bytes": 8 * 2.0**20}}
    async with watched(small.url(), changes) as incident:
        found = await incident.named("pg-slot-retains-wal")
        async with asyncio.timeout(30):
            while (
                "/s the slot is given up in"
                not in (found := await incident.named("pg-slot-retains-wal")).message
            ):
                await asyncio.sleep(0.2)
        assert found.object == "gone_replica" and "nobody reads it" in found.message
        assert found.sql == ("SELECT pg_drop_replication_slot('gone_replica');",)
        async with asyncio.timeout(60):  # it goes on until the server gives the slot up
            while small.psql("select wal_status from pg_replication_slots") not in ("lost", "unreserved"):
                small.psql("checkpoint")
                await asyncio.sleep(0.2)
        assert "gone_replica is" in (await incident.named("pg-slot-lost")).message
    task.cancel()
    await asyncio.wait({task})
    small.psql("select pg_drop_replication_slot('gone_replica'); drop table log")


async def test_a_plan_that_flips(postgres18: PostgresServer, stack: AsyncExitStack) -> None:
    database = postgres18.create_database()
    postgres18.psql(
        "create extension pg_stat_statements; create table events as select n, md5(n::text) t from"
        " generate_series(1, 300000) n; create index events_by_n on events (n); vacuum analyze events",
        database,
    )
    app = await stack.enter_async_context(client(postgres18, "app", database))
    await app.execute("set max_parallel_workers_per_gather = 0")
    for n in range(60):
        await app.fetch("select t from events where n = $1", n)

    async def load() -> None:
        while True:
            await app.fetch("select t from events where n = $1", 7)

    async with watched(postgres18.url(database)) as incident:
        async with asyncio.timeout(20):
            while not (incident.session.snapshot.statements.value or None):
                await asyncio.sleep(0.1)
        postgres18.psql("drop index events_by_n", database)
        task = asyncio.create_task(load())
        found = await incident.named("any-statement-slower")
        assert "its plan has changed" in found.message and "from events where n = $1" in found.message
        assert float(found.evidence["blocks"]) > 1000, "the whole table is read for each call"
        task.cancel()
        await asyncio.wait({task})
