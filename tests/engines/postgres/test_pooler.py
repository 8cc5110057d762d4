"""PgBouncer in transaction mode, as it is met: facts taken with asyncpg against PgBouncer 1.26."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from dbtui.config import resolve
from dbtui.engines.postgres.connection import Connector
from dbtui.errors import AuthenticationError, ConnectError, NoSlotsLeft, NotApproved, QueryError, QueryTimeout
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgresServer


def connector(text: str) -> Connector:
    return Connector(resolve(text, environ={}))


async def test_the_facts_that_this_is_built_on(pgbouncer: PgBouncer) -> None:
    with pytest.raises(
        asyncpg.ProtocolViolationError, match="unsupported startup parameter: statement_timeout"
    ):
        await asyncpg.connect(pgbouncer.url(), server_settings={"statement_timeout": "5000"})
    raw = await asyncpg.connect(pgbouncer.url(), statement_cache_size=0)
    assert raw.get_server_pid() != await raw.fetchval("select pg_backend_pid()")
    await raw.close()


async def test_it_is_detected_and_every_question_is_read_only(
    pgbouncer: PgBouncer, postgres18: PostgresServer
) -> None:
    way = connector(pgbouncer.url())
    server = await way.connect()
    monitor = await way.open("monitor")
    assert (server.pooler, monitor.pooled) == ("pgbouncer", True)
    assert any("pooler" in note for note in server.notes)
    row = (
        await monitor.fetch(
            "select current_setting('transaction_read_only'), current_setting('statement_timeout'),"
            " current_setting('lock_timeout')",
            timeout=4,
        )
    )[0]
    assert tuple(row) == ("on", "4s", "3s")
    with pytest.raises(QueryError, match="read-only transaction"):
        await monitor.fetch("create table x()")
    for _ in range(12):  # a driver's own cache of prepared statements fails here
        assert await monitor.fetch("select 1 as one", hold=True)
    busy = "select count(*) from pg_stat_activity where application_name = 'dbtui' and state <> 'idle'"
    assert postgres18.psql(busy) == "0"
    await way.close()


async def test_nothing_of_ours_lingers_for_the_next_client(pgbouncer: PgBouncer) -> None:
    way = connector(pgbouncer.url())
    await way.connect()
    work = way.work()
    async with work.use() as connection, connection.reading(timeout=7) as raw:
        assert await raw.fetchval("select current_setting('statement_timeout')") == "7s"
        cursor = await raw.cursor("select generate_series(1, 700)")
        assert [len(await cursor.fetch(500)), len(await cursor.fetch(500))] == [500, 200]
    await way.close()
    raw = await asyncpg.connect(pgbouncer.url(), statement_cache_size=0)
    names = ["statement_timeout", "default_transaction_read_only", "client_encoding", "application_name"]
    found = [await raw.fetchval("select current_setting($1)", name) for name in names]
    assert found == ["0", "off", "UTF8", ""]
    await raw.close()


async def test_timeouts_and_escapes_behind_it(pgbouncer: PgBouncer) -> None:
    way = connector(pgbouncer.url())
    monitor = await way.open("monitor")
    with pytest.raises(QueryTimeout):
        await monitor.fetch("select pg_sleep(20)::text", timeout=0.2)
    assert await monitor.fetchval("select 1") == 1
    for sql in ("select 1; commit; create table x()", "set transaction read write"):
        with pytest.raises((QueryError, NotApproved)):
            async with monitor.reading(timeout=5) as raw:
                raw.guarded = False
                await raw.fetch(sql)
    assert await monitor.fetchval("select to_regclass('public.x') is null")
    await way.close()


async def test_settings_that_it_drops_silently(postgres18: PostgresServer) -> None:
    """With ignore_startup_parameters nothing is refused, and nothing arrives."""
    ignored = (
        "statement_timeout,lock_timeout,idle_in_transaction_session_timeout,"
        "default_transaction_read_only,search_path,jit"
    )
    with PgBouncer(postgres18, {"ignore_startup_parameters": ignored}) as pooler:
        way = connector(pooler.url())
        monitor = await way.open("monitor")
        assert monitor.pooled
        assert await monitor.fetchval("select current_setting('transaction_read_only')") == "on"
        await way.close()


async def test_trouble_with_it(pgbouncer: PgBouncer, postgres18: PostgresServer) -> None:
    with pytest.raises(AuthenticationError) as refusal:
        await connector(pgbouncer.url(password="hunter2")).connect()
    assert "hunter2" not in str(refusal.value)
    with pytest.raises(ConnectError, match="nowhere"):
        await connector(pgbouncer.url("nowhere")).connect()
    with PgBouncer(postgres18, {"max_client_conn": "2"}) as small:
        held = []
        with pytest.raises(asyncpg.ProtocolViolationError, match="no more connections allowed"):
            while True:
                held.append(await asyncpg.connect(small.url(), statement_cache_size=0))
        with pytest.raises(NoSlotsLeft) as full:
            await connector(small.url()).connect()
        assert "pooler is full" in full.value.hint
        for each in held:
            await each.close()


async def test_nothing_is_left_of_a_closed_way(pgbouncer: PgBouncer) -> None:
    way = connector(pgbouncer.url())
    await way.connect()
    await way.open("work")
    await way.close()
    async with asyncio.timeout(5):
        while "dbtui" in await shown(pgbouncer):
            await asyncio.sleep(0.02)


async def shown(pooler: PgBouncer) -> str:
    process = await asyncio.create_subprocess_exec(
        "psql", "-XAt", pooler.url("pgbouncer"), "-c", "show clients", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return out.decode()
