"""The tree and the schema pane: levels, detail, DDL, rows, finding, other databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from dbtui.tui.screens.find import FindScreen
from tests.servers.postgres import PostgresServer
from tests.tui.console import TALL, Console, console

STRANGE = 'weird "name"'
TABLES = """
create schema shop;
create table shop.customers (id int primary key, email text not null unique);
create table shop.orders (
    id bigint generated always as identity primary key,
    customer_id int references shop.customers,
    total numeric(10, 2) default 0 check (total >= 0)
);
create index orders_by_customer on shop.orders (customer_id);
create view shop.totals as select customer_id, sum(total) as total from shop.orders group by 1;
insert into shop.customers select n, 'c' || n from generate_series(1, 150) n;
"""


@pytest.fixture(scope="module")
def strange(postgres18: PostgresServer) -> Iterator[str]:
    """A database whose name has to be quoted everywhere."""
    postgres18.create_database(STRANGE)
    postgres18.psql(TABLES, STRANGE)
    yield STRANGE
    postgres18.drop_database(STRANGE)


@asynccontextmanager
async def schema(server: PostgresServer, database: str, **more: object) -> AsyncIterator[Console]:
    async with console(server.url(database), interval=2.0, **more) as c:  # type: ignore[arg-type]
        await c.press("3")
        await c.sees("Objects", "shop")
        yield c


async def _find(c: Console, letters: str) -> None:
    await c.press("f")
    await c.until(lambda: isinstance(c.app.screen, FindScreen))
    await c.type(letters, "enter")
    await c.until(lambda: not isinstance(c.app.screen, FindScreen))


async def test_the_tree_opens_by_levels_down_to_the_columns(postgres18: PostgresServer, strange: str) -> None:
    async with schema(postgres18, strange, size=TALL) as c:
        assert c.main.pane == "schema"
        await c.sees(STRANGE)
        tree = c.main.tree_widget
        await c.until(lambda: tree.reveal(("here", STRANGE, "shop")))
        await c.press("right")
        await c.sees("customers", "orders", "totals")
        await c.until(lambda: tree.reveal(("here", STRANGE, "shop", "orders")))
        await c.press("space")
        await c.sees("customer_id")
        await c.press("left", "left", "left")
        await c.sees_no_more("customer_id")


async def test_the_detail_follows_the_cursor(postgres18: PostgresServer, strange: str) -> None:
    async with schema(postgres18, strange) as c:
        await _find(c, "orders")
        await c.sees("table shop.orders", "numeric(10,2)", "not null", "identity, always")
        await c.press("right_square_bracket")
        await c.sees("orders_by_customer", "primary")
        await c.press("right_square_bracket")
        await c.sees("foreign key", "check")
        await c.press("right_square_bracket")
        await c.sees("CREATE TABLE shop.orders", "GENERATED ALWAYS AS IDENTITY")
        await c.press("y")
        assert "CREATE TABLE shop.orders" in c.app.clipboard
        await c.press("left_square_bracket")
        await c.sees("foreign key")
        await _find(c, "shoptotals")
        await c.sees("view shop.totals")
        await c.press("right_square_bracket")
        await c.sees("CREATE", "VIEW shop.totals", "sum(")


async def test_a_folder_keeps_nothing_of_the_object_before(postgres18: PostgresServer, strange: str) -> None:
    async with schema(postgres18, strange) as c:
        await _find(c, "orders")
        await c.sees("table shop.orders", "identity, always")
        await c.press("space")
        indexes = ("here", strange, "shop", "orders", "indexes")
        await c.until(lambda: c.main.tree_widget.reveal(indexes))
        await c.sees("2 in it · space opens it")
        await c.sees_no_more("identity, always")
        await c.press("s", "y")
        assert c.app.clipboard == ""


async def test_rows_are_read_on_a_key_and_never_by_moving(postgres18: PostgresServer, strange: str) -> None:
    async with schema(postgres18, strange) as c:
        await _find(c, "customers")
        await c.sees("email")
        asked = "select coalesce(sum(calls), 0) from pg_stat_statements where query ilike '%customers%limit%'"
        postgres18.psql(
            "create extension if not exists pg_stat_statements; select pg_stat_statements_reset()"
        )
        assert postgres18.psql(asked) == "0"
        await c.press("s")
        await c.sees("c1", "c17")
        assert postgres18.psql(asked) == "1"
        await c.press("down", "down")
        await c.sees("s reads up to 100 rows")


async def test_finding_by_a_few_letters_and_finding_nothing(postgres18: PostgresServer, strange: str) -> None:
    async with schema(postgres18, strange) as c:
        await c.press("f")
        await c.sees("Find among", "customers", "orders", "totals")
        await c.type("zzz")
        await c.sees("no name has these letters")
        await c.press("enter")
        assert isinstance(c.app.screen, FindScreen)
        await c.press("backspace", "backspace", "backspace")
        await c.type("scu")
        await c.sees_no_more("totals")
        await c.press("escape")
        assert not isinstance(c.app.screen, FindScreen)


async def test_finding_works_from_every_pane(postgres18: PostgresServer, strange: str) -> None:
    async with console(postgres18.url(strange), interval=2.0, size=(80, 24)) as c:
        await _find(c, "customers")
        assert c.main.pane == "schema"
        await c.sees("email")


async def test_another_database_of_the_server_opens_below_it(
    postgres18: PostgresServer, strange: str
) -> None:
    async with console(postgres18.url(), interval=2.0) as c:
        await c.press("3")
        tree = c.main.tree_widget
        await c.until(lambda: tree.reveal(("here", STRANGE, "shop", "customers")))
        await c.sees("customers", "email", "150")
        await c.press("s")
        await c.sees("c17")


async def test_refresh_sees_a_table_that_was_made_meanwhile(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql("create schema shop; create table shop.first (id int)", database)
    async with schema(postgres18, database, size=TALL) as c:
        tree = c.main.tree_widget
        await c.until(lambda: tree.reveal(("here", database, "shop", "first")))
        postgres18.psql("create table shop.second (id int); drop table shop.first", database)
        await c.press("r")
        await c.sees("second")
        await c.sees_no_more("first")


async def test_what_a_role_may_not_see_is_told(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    role = f"outsider_{database}"
    postgres18.psql(
        "create schema shop; create table shop.secret (id int);"
        f"create role {role} login; grant usage on schema shop to {role}",
        database,
    )
    async with console(postgres18.url(database, user=role), interval=2.0) as c:
        await c.press("3")
        await c.until(lambda: c.main.tree_widget.reveal(("here", database, "shop", "secret")))
        await c.sees("table", "shop.secret")
        await c.press("s")
        await c.sees("permission denied", "GRANT SELECT ON")
        await c.press("3")
        assert c.app.is_running


async def test_on_forty_columns_the_object_takes_the_place_of_the_tree(
    postgres18: PostgresServer, strange: str
) -> None:
    async with schema(postgres18, strange, size=(40, 24)) as c:
        tree = c.main.tree_widget
        await c.until(lambda: tree.reveal(("here", STRANGE, "shop", "customers")))
        await c.press("enter")
        await c.sees("email")
        assert not tree.display
        await c.press("b")
        assert tree.display
