"""A database with what is hard to clone, and one shadow for all tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from dbtui.config import resolve
from dbtui.engines.postgres.engine import PostgresEngine
from dbtui.shadow import Shadow
from tests.servers.postgres import PostgresServer

SCHEMA = """
create extension pg_trgm;
create schema "Odd Name";
create type state as enum ('new', 'paid', 'failed');
create function half(int) returns int immutable language sql as 'select $1 / 2';
create table users (id int primary key, name text, email text);
create table orders (id bigint primary key, user_id int references users, state state default 'new',
  at timestamptz not null, amount numeric, check (half(user_id) >= 0));
create table "Odd Name"."Order" (id int primary key, "Käse" text);
create table events (at date not null, body text) partition by range (at);
create table events_1 partition of events for values from ('2024-01-01') to ('2025-01-01');
create table events_2 partition of events for values from ('2025-01-01') to ('2026-01-01');
create view paid as select o.*, u.name from orders o join users u on u.id = o.user_id where state = 'paid';
insert into users select i, 'n' || i, 'E' || i || '@x' from generate_series(1, 5000) i;
insert into orders select i, 1 + i % 5000, (enum_range(null::state))[1 + i % 3], '2025-01-01'::timestamptz
  + i * interval '1 min', i from generate_series(1, 100000) i;
insert into "Odd Name"."Order" select i, 'k' || i from generate_series(1, 5000) i;
insert into events select '2024-01-01'::date + i % 700, 'x' from generate_series(1, 20000) i;
vacuum analyze
"""


@pytest.fixture(scope="module")
def shop(postgres: PostgresServer) -> str:
    database = postgres.create_database()
    postgres.psql(SCHEMA, database)
    return database


@pytest_asyncio.fixture(loop_scope="module")
async def engine(postgres: PostgresServer, shop: str) -> AsyncIterator[PostgresEngine]:
    made = PostgresEngine(resolve(postgres.url(shop)))
    await made.open()
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shadow() -> AsyncIterator[Shadow]:
    async with Shadow() as made:
        yield made
