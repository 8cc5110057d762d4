"""Bytes that are no text in the encoding that they should be in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from dbtui.config import resolve
from dbtui.engines.postgres.connection import Connector
from dbtui.errors import QueryError, SessionLost
from tests.servers.postgres import PostgresServer


@pytest.fixture
async def ascii_way(postgres: PostgresServer) -> AsyncIterator[Connector]:
    database = postgres.create_database(encoding="SQL_ASCII")
    postgres.psql(r"create table t(a text); insert into t values (E'gr\xfc\xdfe \x80'), ('grün')", database)
    way = Connector(resolve(postgres.url(database), environ={}))
    yield way
    await way.close()
    postgres.drop_database(database)


async def test_invalid_bytes_fail_no_fetch(ascii_way: Connector) -> None:
    work = await ascii_way.open("work")
    assert work.server.encoding == "SQL_ASCII"
    for hold in (False, True):
        rows = await work.fetch(
            "select a, array[a]::text[] many, to_json(a)::text as js, a::bpchar::name::text n from public.t",
            hold=hold,
        )
        assert rows[0]["a"] == "gr\ufffd\ufffde \ufffd"
        assert rows[0]["many"] == ["gr\ufffd\ufffde \ufffd"]
        assert rows[1]["a"] == rows[1]["n"] == "grün"
    assert (await work.fetch("select a from public.t where a = $1", "grün"))[0][0] == "grün"
    async with work.reading(timeout=5) as raw:
        assert await raw.fetchval("select a || '→' from public.t where a like 'grün'") == "grün→"


async def test_an_error_that_quotes_invalid_bytes(ascii_way: Connector) -> None:
    """The driver cannot read such a message and the session is lost; a further one works."""
    work = await ascii_way.open("work")
    with pytest.raises((QueryError, SessionLost)):
        await work.fetch("select a::int from public.t", timeout=3)
    again = await ascii_way.open("work")
    assert await again.fetchval("select 1") == 1


async def test_sessions_of_databases_in_other_encodings(postgres: PostgresServer) -> None:
    """pg_stat_activity shows their statements byte by byte, here to a session in UTF8."""
    database = postgres.create_database(encoding="LATIN1")
    other = await asyncpg.connect(postgres.url(database))
    assert await other.fetchval("select 'grüße'") == "grüße"
    way = Connector(resolve(postgres.url(), environ={}))
    monitor = await way.open("monitor")
    row = await monitor.fetch("select query from pg_stat_activity where pid = $1", other.get_server_pid())
    assert row[0][0] == "select 'gr\ufffd\ufffde'"
    await way.close()
    in_latin = Connector(resolve(postgres.url(database), environ={}))
    assert await (await in_latin.open("work")).fetchval("select 'grüße'") == "grüße"
    await in_latin.close()
    await other.close()
    postgres.drop_database(database)


async def test_hostile_text_arrives_unchanged(postgres: PostgresServer) -> None:
    way = Connector(resolve(postgres.url(), environ={}))
    work = await way.open("work")
    text = "\x1b]0;x\x07 [markup] \u202e \U0001f600 " + "x" * 1_000_000
    assert await work.fetchval("select $1::text", text) == text
    await way.close()
