"""The advice pane: what it looks like, and what it does to a real server, which is nothing."""

from __future__ import annotations

import json

import pytest

from dbtui.commands.partitioning import partition_on
from dbtui.model.advice import Query
from dbtui.model.nouns import Nouns
from dbtui.plans import parse
from dbtui.tui.messages import Advise
from dbtui.tui.otherwise import split
from dbtui.tui.views.advise import AdviseView, Option, change, how, index_name, rows
from tests.servers.mysql import MysqlServer
from tests.servers.postgres import PostgresServer
from tests.servers.sqlite import SqliteFile
from tests.tui.conftest import Connect
from tests.tui.console import Console, console, target_of
from tests.tui.golden import assert_golden
from tests.tui.recorded import recorded

SIZES = {"120": (120, 40), "80": (80, 24)}
SQL = "SELECT id, total FROM shop.orders WHERE customer_id = 7 ORDER BY placed_at DESC LIMIT 5"
OPTIONS = (
    Option(
        "CREATE INDEX CONCURRENTLY orders_customer_id_placed_at_idx ON shop.orders (customer_id, placed_at DESC)",
        "shop.orders (customer_id, placed_at DESC)",
        on=True,
        saved=0.987,
        size=9_437_184,
        write_overhead=0.21,
        note="replaces orders_customer",
    ),
    Option("DROP INDEX x", "orders_pkey (id)", there=True, size=6_750_208, note="primary key"),
    Option(
        "DROP INDEX y", "orders_customer (customer_id)", on=True, there=True, size=2_621_440, note="is there"
    ),
)


def plan(*nodes: tuple[str, str, float, float]) -> str:
    """A chain of nodes as the server prints it: type, relation or index, cost, rows."""
    below: list[dict[str, object]] = []
    for kind, name, cost, count in reversed(nodes):
        node: dict[str, object] = {
            "Node Type": kind,
            "Startup Cost": 0.0,
            "Total Cost": cost,
            "Plan Rows": count,
            "Plan Width": 30,
        }
        if "Scan" in kind:
            node |= {"Relation Name": "orders", "Alias": "orders"} | ({"Index Name": name} if name else {})
        below = [node | {"Plans": below}]
    return json.dumps([{"Plan": below[0]}])


BEFORE = plan(("Limit", "", 61.28, 5), ("Sort", "", 61.27, 5), ("Seq Scan", "", 56.7, 15))
AFTER = plan(("Limit", "", 0.79, 5), ("Index Scan", "orders_customer_id_placed_at_idx", 12.4, 15))


async def filled(c: Console) -> None:
    await c.press("8")
    view = c.main.view("advise")
    assert isinstance(view, AdviseView)
    view.load(SQL, "")
    view.what_if.text = "SET work_mem = '64MB'"
    view.show_options(OPTIONS)
    view.show_plans(
        parse(BEFORE), parse(AFTER), "PostgreSQL 18 shadow of a server of version 15.18, estimates only"
    )
    view.focus_main()
    await c.still()


@pytest.mark.parametrize("size", ["120", "80"])
async def test_the_pane(size: str) -> None:
    async with recorded(SIZES[size]) as c:
        await filled(c)
        assert_golden(c.app, f"console/advise-{size}")


@pytest.mark.parametrize("size", ["120", "80"])
async def test_the_pane_before_anything_was_asked(size: str) -> None:
    async with recorded(SIZES[size]) as c:
        await c.press("8")
        await c.sees("Write a statement above")
        await c.still()
        assert_golden(c.app, f"console/no_advice-{size}")


def test_an_engine_is_offered_what_it_has_in_its_own_words() -> None:
    shown = how(
        Nouns(statement="operation", statements="operations"), {"partition": "", "what if": "", "rewrite": ""}
    )
    assert [line.split()[0] for line in shown.splitlines()[2:]] == ["g", "W"]
    assert shown.startswith("Write an operation above")
    assert "all operations" in shown
    assert how(Nouns(), {"advise": "there are no indexes to advise"}) == "there are no indexes to advise"


def test_the_change_of_the_cost_is_told_in_words() -> None:
    before, after = parse(BEFORE), parse(AFTER)
    assert change(before, after)[0] == "cost 0.79, 98.7% less"
    assert change(after, before)[0] == "cost 61.28, 77.6 times as much"
    assert change(before, before)[0] == "cost 61.28, the same"
    assert change(None, after)[0] == ""


def test_an_index_that_is_there_is_used_until_it_is_hidden() -> None:
    made = [row.cells[0] for row in rows(OPTIONS)]
    assert made[0][0] == made[1][0] != made[2][0]


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("CREATE INDEX CONCURRENTLY a_b_idx ON public.a (b)", "a_b_idx"),
        ('CREATE INDEX "Käse" ON a (b)', "Käse"),
        ('DROP INDEX CONCURRENTLY "public"."a_b"', "a_b"),
        ("CREATE INDEX a_b_idx ON a (b) INVISIBLE", "a_b_idx"),
        ("ALTER TABLE a ALTER INDEX `Käse` VISIBLE", "Käse"),
    ],
)
def test_the_name_of_an_index(sql: str, name: str) -> None:
    assert index_name(sql) == name


@pytest.fixture(scope="module")
def shop(postgres18: PostgresServer) -> str:
    database = postgres18.create_database()
    postgres18.psql(
        "create table visits (id int primary key, visitor int, at timestamptz);"
        "insert into visits select i, i % 5000, '2025-01-01'::timestamptz + i * interval '1 min'"
        " from generate_series(1, 60000) i; vacuum analyze",
        database,
    )
    return database


async def test_from_a_statement_to_the_migration_and_back(postgres18: PostgresServer, shop: str) -> None:
    """Advice, a hidden index, a setting, the hand over, and the proof once the index is there."""
    async with console(target_of(postgres18.url(shop)), size=(120, 40)) as c:
        await c.press("8")
        await c.type("select * from visits where visitor = 7 order by at desc limit 3")
        await c.press("escape", "g")
        await c.sees("visits (visitor, at DESC)", "shadow of a server of version 18", "less")
        assert postgres18.psql("select count(*) from pg_indexes where tablename = 'visits'", shop) == "1"
        await c.press("space")
        await c.sees("the same")
        await c.press("space")
        await c.sees("% less")
        await c.press("o")
        await c.type("create statistics s on visitor, at from visits;")
        await c.press("ctrl+r")
        await c.sees("no common values")
        await c.type("set enable_indexscan = off; set enable_bitmapscan = off")
        await c.press("ctrl+r")
        await c.sees_no_more("% less")
        await c.press("escape", "m")
        await c.sees("visits_visitor_at_idx", "Verdicts")
        postgres18.psql("create index visits_visitor_at_idx on visits (visitor, at desc)", shop)
        await c.press("escape", "8", "v")
        await c.sees("is used by the server's own plan", "scanned 0 times so far")
        postgres18.psql("select * from visits where visitor = 7 order by at desc limit 3", shop)
        await c.press("v")
        await c.sees("scanned 1 time, 0 at the last look")


async def test_a_statement_in_other_words_is_tried(postgres18: PostgresServer, shop: str) -> None:
    async with console(target_of(postgres18.url(shop)), size=(120, 40)) as c:
        await c.press("8")
        await c.type("select * from visits where date(at) = '2025-01-02'")
        await c.press("escape", "R")
        await c.sees("Rewrites", "any-date-function-to-range: SELECT", "nothing was run")
        await c.press("space")
        await c.sees("1 tried", "As it would be", "the same")


def counted(c: Console) -> str:
    """The texts of all statements that the console has counted."""
    found = c.main.snapshot.statements.value if c.main.snapshot is not None else None
    return "\n".join(one.query or "" for one in found.statements) if found is not None else ""


async def test_partitions_are_told_of_with_the_reasons(postgres18: PostgresServer, shop: str) -> None:
    postgres18.psql(
        "create extension if not exists pg_stat_statements; select pg_stat_statements_reset()", shop
    )
    postgres18.psql("select count(*) from visits where at > '2025-02-01'", shop)
    async with console(target_of(postgres18.url(shop)), size=(120, 40)) as c:
        await c.until(lambda: "from visits where at > $1" in counted(c), "never counted")
        await c.press("8", "escape", "P")
        await c.sees("Partitions", "public.visits stays whole", "is less than 10 GB")
        await c.press("enter")
        await c.sees("esc closes")


async def test_what_cannot_be_tried_is_said(postgres18: PostgresServer, shop: str) -> None:
    async with console(target_of(postgres18.url(shop))) as c:
        await c.press("8", "escape", "e")
        await c.hears("write a statement first")
        await c.press("i")
        await c.type("select 1 from visits")
        await c.press("escape", "o")
        await c.type("drop table visits")
        await c.press("ctrl+r")
        await c.hears("cannot be tried")
        await c.press("escape", "v")
        await c.hears("m hands an index on first")


async def test_a_sqlite_file_is_planned_on_its_copy(sqlite_file: SqliteFile) -> None:
    sqlite_file.sql(
        "create table orders (id integer primary key, user_id int)",
        "with recursive i(n) as (select 1 union all select n + 1 from i where n < 9000)"
        " insert into orders select n, n % 500 from i",
        "analyze",
    )
    async with console(target_of(sqlite_file.url), size=(120, 40)) as c:
        await c.press("8")
        await c.type("select * from orders where user_id = 7")
        await c.press("escape", "g")
        await c.sees("SEARCH orders USING", "on a copy of the schema")
        await c.press("o")
        await c.type("create statistics s on id, user_id from orders")
        await c.press("ctrl+r")
        await c.sees("SQLite's planner has no settings")
        await c.press("escape")
        await c.press("P")
        await c.sees("there is no partition advice for sqlite")


async def test_an_invisible_index_of_mysql_is_handed_on_looked_at_and_shown(mysql9: MysqlServer) -> None:
    database = mysql9.create_database()
    digits = " union all ".join(f"select {n} n" for n in range(10))
    mysql9.sql("create table visits (id int primary key, visitor int, hour int)", database=database)
    mysql9.sql(
        "insert into visits select a.n + 10*b.n + 100*c.n + 1000*d.n, a.n + 10*b.n + 100*c.n, a.n"
        f" from ({digits}) a, ({digits}) b, ({digits}) c, ({digits}) d",
        database=database,
    )
    mysql9.sql("analyze table visits", database=database)
    async with console(target_of(mysql9.url(database)), size=(120, 40)) as c:
        await c.press("8")
        view = c.main.view("advise")
        assert isinstance(view, AdviseView)
        view.load("select * from visits where visitor = 5 order by hour desc limit 3", "")
        view.grid.focus()
        await c.press("g")
        await c.sees("visits (visitor, hour DESC)", "invisible, to be tried")
        await c.press("down", "m")
        await c.sees("INVISIBLE", "create index visits_visitor_hour_idx")
        mysql9.sql(
            "CREATE INDEX visits_visitor_hour_idx ON visits (visitor, hour DESC) INVISIBLE", database=database
        )
        await c.press("8", "v")
        await c.sees("(invisible) is used by the server's own plan")
        await c.sees("Before", "Now", "Table scan", "Covering index")
        await c.press("g")
        await c.sees("visible: visits (visitor, hour)", "-100%")
        await c.press("m")
        mysql9.sql("ALTER TABLE visits ALTER INDEX visits_visitor_hour_idx VISIBLE", database=database)
        await c.press("8", "v")
        await c.sees("visits_visitor_hour_idx is used by the server's own plan")
        await c.sees_no_more("(invisible)")


async def test_a_plan_is_taken_to_the_pane(postgres18: PostgresServer, shop: str) -> None:
    async with console(target_of(postgres18.url(shop)), size=(120, 40)) as c:
        await c.edit("select * from visits where at = now()")
        await c.press("ctrl+g")
        await c.sees("Seq Scan")
        await c.press("A")
        await c.sees("visits (at)")


async def test_partitions_are_handed_on_as_a_plan(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql(
        "create table events (id int primary key, at timestamptz not null);"
        "insert into events select i, '2026-01-01'::timestamptz + i * interval '10 min'"
        " from generate_series(1, 40000) i; analyze",
        database,
    )
    async with console(target_of(postgres18.url(database)), size=(120, 40)) as c:
        await c.press("8")
        view = c.main.view("advise")
        assert isinstance(view, AdviseView)
        query = Query("delete from events where at < now() - interval '90 days'")
        advice = await partition_on(c.main.engine, [query], database, least=0.001)
        view.show_options([split(one) for one in advice.tables], "Partitions")
        view.grid.focus()
        await c.press("enter")
        await c.sees("retention: 90 days, as its DELETE says")
        await c.press("escape", "m")
        await c.sees("another table takes the name public.events", "every statement was understood")


async def test_from_a_slow_statement_to_the_index_that_is_used(
    postgres18: PostgresServer, connect: Connect
) -> None:
    """Counted, explained, advised, handed on, run step by step, and seen to be used: by the console's keys alone."""
    database = postgres18.create_database()
    postgres18.psql(
        "create table trips (id int primary key, rider int, at timestamptz);"
        "insert into trips select i, i % 5000, '2025-01-01'::timestamptz + i * interval '1 min'"
        " from generate_series(1, 60000) i; vacuum analyze;"
        "create extension pg_stat_statements; select pg_stat_statements_reset()",
        database,
    )
    busy = await connect(database=database)
    async with console(target_of(postgres18.url(database)), size=(120, 40)) as c:
        await c.press("2", "d", "d")
        await busy.fetch("select * from trips where rider = 7 order by at desc limit 3")
        await c.go_to_row("from trips", "statements")
        await c.press("e")
        await c.sees("Seq Scan on public.trips", "generic plan")
        await c.press("A")
        await c.sees("trips (rider, at DESC)", "% less")
        await c.press("m")
        await c.sees("build the index trips_rider_at_idx", "n runs")
        await c.press("n")
        for step in ("Run step 0", "Run step 1"):
            await c.sees(step)
            await c.type("tests", "enter")
            await c.type("yes", "enter")
        await c.sees("every step is done")
        await c.press("8", "v")
        await c.sees("trips_rider_at_idx is used by the server's own plan", "scanned 0 times so far")
        await c.sees("Seq Scan", "Index Scan", "Before", "Now", "% less")
    valid = "select indisvalid from pg_index where indexrelid = 'trips_rider_at_idx'::regclass"
    assert postgres18.psql(valid, database) == "t"


async def test_what_is_advised_for_another_database_is_not_run_in_this_one(
    postgres18: PostgresServer, shop: str
) -> None:
    other = postgres18.create_database()
    async with console(target_of(postgres18.url(other)), size=(120, 40)) as c:
        c.main.post_message(Advise("select * from visits where at = now()", shop))
        await c.sees("visits (at)", "% less")
        await c.press("m")
        await c.hears(f"that is for the database {shop}, and this connection is to {other}")
        assert "As it would be" in c.shown()
