"""What is wished about a plan: why not flagged, compare, other values, statistics, a plan from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from textual import events

from dbtui.model.plan import Plan
from dbtui.plans import parse
from dbtui.tui.screens.compare import CompareScreen
from dbtui.tui.screens.rules import RulesScreen
from dbtui.tui.screens.texts import TextScreen
from dbtui.tui.views.plan import PlanView
from dbtui.tui.widgets.icicle import boxes_of
from dbtui.tui.widgets.plan_comparison import PlanComparison
from tests.bench.plans import sample
from tests.servers.postgres import PostgresServer
from tests.tui.console import Console, console

FOREIGN = """\
 QUERY PLAN
------------
 Sort  (cost=0.00..10.00 rows=5000 width=8) (actual time=0.000..90.000 rows=5000 loops=1)
   Sort Key: total
   Sort Method: external merge  Disk: 5000kB
   ->  Seq Scan on orders  (cost=0.00..10.00 rows=5000 width=8) (actual time=0.000..20.000 rows=5000 loops=1)
 Execution Time: 100.000 ms
(5 Zeilen)
"""


@pytest.fixture(scope="module")
def shop(postgres18: PostgresServer) -> Iterator[str]:
    name = postgres18.create_database()
    postgres18.psql(
        "create table sales (id int primary key, city text, country text);"
        "insert into sales select i, 'city ' || i % 200, 'country ' || (i % 200) / 10"
        " from generate_series(1, 40000) i; create index sales_city on sales (city); vacuum analyze sales;"
        "create function noisy(int) returns int language plpgsql volatile as 'begin return $1; end'",
        name,
    )
    yield name
    postgres18.drop_database(name)


async def explained(c: Console, sql: str) -> PlanView:
    former = view(c).plan if c.main.query("#plan") else None
    await c.edit(sql)
    await c.press("ctrl+g")
    await c.until(lambda: c.main.pane == "plan" and view(c).plan is not former and view(c).sql == sql)
    return view(c)


async def measured(c: Console, sql: str) -> PlanView:
    shown = await explained(c, sql)
    await c.press("a")
    await c.sees("Run it to measure it?")
    await c.type("run", "enter")
    await c.sees("execution")
    return shown


def view(c: Console) -> PlanView:
    found = c.main.view("plan")
    assert isinstance(found, PlanView)
    return found


async def test_every_rule_says_why_it_is_silent(postgres18: PostgresServer, shop: str) -> None:
    async with console(postgres18.url(shop)) as c:
        await measured(c, "select * from sales where country = 'country 3'")
        await c.press("w")
        await c.until(lambda: isinstance(c.app.screen, RulesScreen))
        await c.sees("pg-seq-scan-hot", "at least")
        await c.press("enter")
        await c.sees("What it does", "When it is fine")
        await c.press("escape", "escape")
        assert c.app.screen is c.main


async def test_a_plan_that_changed_is_said_and_compared(postgres18: PostgresServer, shop: str) -> None:
    sql = "select * from sales where city = 'city 7'"
    async with console(postgres18.url(shop)) as c:
        await explained(c, sql)
        await c.press("c")
        await c.hears("no other plan of this statement is kept yet")
        postgres18.psql("drop index sales_city", shop)
        await c.press("e")
        await c.sees("another plan than at", "the index sales_city")
        await c.press("c")
        await c.until(lambda: isinstance(c.app.screen, CompareScreen))
        await c.sees("Before and after", "another plan", "Bitmap Index Scan on sales_city")
        listing = c.app.screen.query_one(PlanComparison)
        assert listing.comparison is not None and listing.comparison.changed
        await c.press("enter")
        await c.sees("The node before and after", "Before: ", "After: Seq Scan")
        await c.press("escape", "right_square_bracket", "left_square_bracket", "escape")
        assert c.app.screen is c.main
        postgres18.psql("create index sales_city on sales (city)", shop)


async def test_other_values_and_statistics(postgres18: PostgresServer, shop: str) -> None:
    async with console(postgres18.url(shop)) as c:
        await measured(c, "select * from sales where city = 'city 7' and country = 'country 0'")
        await c.press("v")
        await c.until(lambda: isinstance(c.app.screen, TextScreen))
        await c.sees("public.sales.city = …", "out of range", "generic plan")
        await c.press("escape", "d")
        await c.sees("Statistics doctor", "CREATE STATISTICS", "then expected: 200 rows")
        await c.press("escape")


async def test_what_a_statement_does_besides_is_in_the_question(
    postgres18: PostgresServer, shop: str
) -> None:
    async with console(postgres18.url(shop)) as c:
        await explained(c, "select noisy(id) from sales where id < 5")
        await c.press("a")
        await c.sees("Run it to measure it?", "public.noisy() is volatile")
        await c.press("escape")
        await c.hears("it was not run")
        await explained(c, "select count(*) from sales")
        await c.press("a")
        await c.sees("it does nothing besides")
        await c.press("escape")


async def test_a_plan_is_pasted_and_opened_from_a_file(
    postgres18: PostgresServer, shop: str, tmp_path: Path
) -> None:
    async with console(postgres18.url(shop)) as c:
        await c.press("5")
        await c.sees("paste one here")
        view(c).post_message(events.Paste(FOREIGN))
        await c.sees("Seq Scan on orders", "1 finding")
        assert view(c).sql == ""
        await c.press("6")
        await c.sees("pg-sort-on-disk")
        await c.press("5")
        view(c).post_message(events.Paste("this is no plan"))
        await c.hears("this is not a plan")
        await c.sees("Seq Scan on orders")
        file = tmp_path / "plan.json"
        file.write_text(json.dumps([{"Plan": {"Node Type": "Result", "Plan Rows": 1}}]), encoding="utf-8")
        await c.press("O")
        await c.sees("Open a plan")
        await c.type(str(file), "enter")
        await c.sees("Result", "estimates only")
        await c.press("O")
        await c.type(str(tmp_path / "none.json"), "enter")
        await c.hears("cannot be read")
        await c.press("O")
        await c.sees("Open a plan")
        c.app.screen.query_one("PlanInput").post_message(events.Paste(FOREIGN))
        await c.sees("Seq Scan on orders")
        view(c).post_message(
            events.Paste(FOREIGN.replace("Seq Scan on orders", "Index Scan using i on orders"))
        )
        await c.sees("Index Scan using i")
        await c.press("c")
        await c.sees("Before and after", "the index i was not used before")
        await c.press("escape")


async def test_the_icicle_and_the_hottest_node(postgres18: PostgresServer, shop: str) -> None:
    async with console(postgres18.url(shop)) as c:
        await c.press("5")
        view(c).post_message(events.Paste(FOREIGN))
        await c.sees("Seq Scan on orders")
        assert view(c).plan_tree.cursor_node == view(c).plan_tree.plan.nodes[0]  # type: ignore[union-attr]
        await c.press("n")
        await c.sees("self 20.0 ms")
        await c.press("i")
        await c.sees("Icicle", "as wide as its time")
        assert _at(c) == 1
        await c.press("up")
        await c.sees("Sort Key: total")
        await c.press("down", "up", "left", "i")
        assert view(c).plan_tree.display and _at(c) == 0


def _at(c: Console) -> int:
    node = view(c).listing.cursor_node
    assert node is not None
    return node.id


def test_boxes_of_two_thousand_nodes_never_stand_out() -> None:
    plan: Plan = parse(json.dumps([{"Plan": sample(2_000), "Execution Time": 1e6}]))
    levels = boxes_of(plan)
    assert sum(len(level) for level in levels) == len(plan.nodes)
    places = {box.node.id: box for level in levels for box in level}
    for box in places.values():
        assert 0.0 <= box.start <= box.end <= 1.0 + 1e-9
        if box.node.parent is not None:
            above = places[box.node.parent]
            assert above.start - 1e-9 <= box.start and box.end <= above.end + 1e-9
    for level in levels:
        assert all(one.end <= other.start + 1e-9 for one, other in pairwise(level))
