"""PgBouncer's pools as its admin console tells them, and what is said to whom it tells nothing."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from dbtui.config import resolve
from dbtui.engines.postgres import pools
from dbtui.engines.postgres.catalog import PostgresCatalog
from dbtui.engines.postgres.connection import Connector
from dbtui.errors import ConnectError, QueryError, SessionLost
from dbtui.model.catalog import Detail, Kind, Node
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgresServer


async def database(way: Connector, name: str = "postgres") -> Detail:
    """Its facts, as the tree shows them."""
    return await PostgresCatalog(way, way.work()).detail(Node(Kind.DATABASE, name, (name,)))


async def test_the_pools_of_a_database_stand_among_its_facts(pgbouncer: PgBouncer) -> None:
    way = Connector(resolve(pgbouncer.url(), environ={}))
    server = await way.connect()
    assert pools.SHOWN in server.notes
    label, told = (await database(way)).facts[0]
    assert label == "Pool of postgres"
    assert "clients: " in told
    assert told.endswith("transaction")
    await way.close()


async def test_who_waits_for_a_server_is_counted(postgres18: PostgresServer) -> None:
    with PgBouncer(postgres18, {"default_pool_size": "1"}) as small:
        way = Connector(resolve(small.url(), environ={}))
        await way.connect()
        busy, waiter = [await asyncpg.connect(small.url(), statement_cache_size=0) for _ in range(2)]
        await busy.execute("begin")
        waiting = asyncio.create_task(waiter.execute("select 1"))
        async with asyncio.timeout(5):
            while "1 waiting" not in (told := pools.facts(await way.pools(), "postgres")[0][1]):
                await asyncio.sleep(0.02)
        assert "longest wait" in told
        assert "servers: 1 busy, 0 idle" in told
        await busy.execute("commit")
        await waiting
        for client in (busy, waiter):
            await client.close()
        await way.close()


async def test_who_may_not_ask_is_told_what_is_missing(postgres18: PostgresServer) -> None:
    postgres18.psql("drop role if exists pool_guest; create role pool_guest login")
    with PgBouncer(postgres18, users={"pool_guest": "guest"}) as pooler:
        way = Connector(resolve(pooler.url(user="pool_guest"), environ={}))
        server = await way.connect()
        assert pools.HIDDEN.format("pool_guest") in server.notes
        with pytest.raises(ConnectError):
            await way.pools()
        label, told = (await database(way)).facts[0]
        assert (label, "not shown" in told) == ("Pools", True)
        await way.close()
    postgres18.psql("drop role pool_guest")


async def test_a_direct_connection_has_no_pools(postgres18: PostgresServer) -> None:
    way = Connector(resolve(postgres18.url(), environ={}))
    await way.connect()
    assert not any("Pool" in label for label, _ in (await database(way)).facts)
    await way.close()


async def test_what_the_admin_console_refuses(pgbouncer: PgBouncer) -> None:
    raw = await asyncpg.connect(pgbouncer.url("pgbouncer"), statement_cache_size=0)
    with pytest.raises(QueryError, match="invalid command"):
        await pools.ask(raw._transport, "SHOW NONSENSE", timeout=2)
    raw.terminate()


@pytest.mark.parametrize("answer", [b"", b"D\0\0\0\x09\0\1\0\0", b"T\xff\xff\xff\xff", b"T\0\0\0\x08\0\1ab"])
async def test_an_answer_that_is_none_ends_in_a_sentence(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        with pytest.raises(SessionLost):
            await pools.ask(writer.transport, "SHOW POOLS", timeout=2)
        writer.close()
