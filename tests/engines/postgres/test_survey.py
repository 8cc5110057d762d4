"""What a change would meet: sizes, sessions in the way, leftovers and structure, read without a lock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from dbtui.model.migration import Relation
from dbtui.model.survey import Surveyed
from tests.migrations.runs import Console
from tests.servers.postgres import PostgresServer

SCHEMA = """
CREATE TYPE mood AS ENUM ('ok');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE users (id bigint PRIMARY KEY, how mood);
CREATE TABLE "Orders" (id int PRIMARY KEY, customer bigint REFERENCES users (id), n positive, pad text);
CREATE TABLE lines (id int, orders int REFERENCES "Orders" (id)) PARTITION BY RANGE (id);
CREATE TABLE lines_1 PARTITION OF lines FOR VALUES FROM (1) TO (100);
CREATE TABLE apart (id int);
INSERT INTO "Orders" SELECT g, NULL, g, repeat('x', 900) FROM generate_series(1, 12000) g;
INSERT INTO "Orders" VALUES (0, NULL, 1, 'twice'), (-1, NULL, 1, 'twice');
ANALYZE;
"""


@pytest.fixture
async def console(postgres: PostgresServer) -> AsyncIterator[tuple[Console, PostgresServer, str]]:
    database = postgres.create_database()
    postgres.psql(SCHEMA, database)
    async with Console(postgres.url(database)) as console:
        yield console, postgres, database
    postgres.drop_database(database)


def surveyor(console: Console) -> Surveyed:
    assert isinstance(console.engine, Surveyed)
    return console.engine


async def test_the_tables_near_a_change(console: tuple[Console, PostgresServer, str]) -> None:
    open_console, server, database = console
    found = await surveyor(open_console).surveyor.survey((Relation("Orders"),), interval=0.0)
    names = {one.relation.name for one in found.tables}
    assert {"Orders", "users", "lines"} <= names and "apart" not in names
    facts = found.table(Relation("Orders"))
    assert facts is not None and facts.rows == 12002
    assert facts.bytes is not None and facts.bytes > 10_000_000
    assert found.database == database
    assert found.version[0] == server.version
    assert found.rates is not None and found.rates.measured and found.rates.scan > 1e6
    assert "CREATE DOMAIN" in found.ddl and "CREATE TYPE" in found.ddl
    assert found.ddl.index("FOREIGN KEY") > found.ddl.index('CREATE TABLE public."Orders"')


async def test_who_is_in_the_way_and_what_was_left_behind(
    console: tuple[Console, PostgresServer, str],
) -> None:
    open_console, server, database = console
    with pytest.raises(AssertionError, match="could not create unique index"):
        server.psql('CREATE UNIQUE INDEX CONCURRENTLY broken ON "Orders" (pad)', database)
    holder = await asyncpg.connect(server.url(database))
    try:
        await holder.execute('BEGIN; LOCK TABLE "Orders" IN ROW EXCLUSIVE MODE')
        found = await surveyor(open_console).surveyor.survey((Relation("Orders"),), interval=0.0)
    finally:
        await holder.close()
    facts = found.table(Relation("Orders"))
    assert facts is not None and facts.invalid_indexes == ("broken",)
    assert "broken" not in found.ddl
    assert any("invalid index broken" in note for note in found.notes)
    held = [one for one in found.conflicts if one.relation == "public.Orders"]
    assert ("RowExclusiveLock", str(holder.get_server_pid())) in {(one.mode, one.session) for one in held}


async def test_an_exclusive_lock_keeps_nobody_waiting(console: tuple[Console, PostgresServer, str]) -> None:
    open_console, server, database = console
    holder = await asyncpg.connect(server.url(database))
    try:
        await holder.execute('BEGIN; LOCK TABLE "Orders" IN ACCESS EXCLUSIVE MODE')
        async with asyncio.timeout(10):
            found = await surveyor(open_console).surveyor.survey((Relation("Orders"),), interval=0.0)
    finally:
        await holder.close()
    assert any(text.startswith(("sizes", "structure")) for text in found.unknown)
    assert any(one.mode == "AccessExclusiveLock" for one in found.conflicts)


async def test_use_is_counted_between_two_readings(console: tuple[Console, PostgresServer, str]) -> None:
    open_console, server, database = console

    async def use() -> None:
        """Short sessions, for what a session counted is seen at its end at the latest."""
        while True:
            other = await asyncpg.connect(server.url(database))
            try:
                await other.execute('SELECT count(*) FROM "Orders" WHERE id = 5')
                await other.execute('UPDATE "Orders" SET n = n WHERE id = 5')
            finally:
                await other.close()

    working = asyncio.create_task(use())
    try:
        found = await surveyor(open_console).surveyor.survey((Relation("Orders"),), interval=1.0)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    facts = found.table(Relation("Orders"))
    assert facts is not None and facts.reads_per_second is not None and facts.writes_per_second is not None
    assert facts.reads_per_second > 0 and facts.writes_per_second > 0
