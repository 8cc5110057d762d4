"""Plans: of a session, of a statement, of what stands in the editor; measured only after a question."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from dbtui.model.server import Environment
from dbtui.tui.screens.confirm import LiftQuestion, Question
from tests.servers.postgres import PostgresServer
from tests.tui.conftest import Connect
from tests.tui.console import Console, audited, console, target_of


@pytest.fixture(scope="module")
def goods(postgres18: PostgresServer) -> Iterator[str]:
    """A database with a table whose rows are counted by triggers of their own: what runs leaves a trace."""
    name = postgres18.create_database()
    postgres18.psql(
        "create extension pg_stat_statements; select pg_stat_statements_reset();"
        "create table goods (id int primary key, label text);"
        "insert into goods select n, 'good ' || n from generate_series(1, 1000) n; analyze goods;"
        "create sequence runs",
        name,
    )
    yield name
    postgres18.drop_database(name)


def _count(server: PostgresServer, database: str) -> str:
    return server.psql("select count(*) from goods", database)


async def test_the_plan_of_a_running_session(
    postgres18: PostgresServer, goods: str, connect: Connect
) -> None:
    busy = await connect(application="busy", database=goods)
    sql = "select count(*) from goods where pg_sleep(60) is not null and label like 'x%'"
    running = asyncio.create_task(busy.execute(sql))
    async with console(postgres18.url()) as c:
        await c.go_to_row("busy")
        await c.press("e")
        await c.sees("Aggregate", "Seq Scan on public.goods", "estimates only", "cost")
        assert c.main.pane == "plan"
        assert not running.done()
    running.cancel()


async def test_the_plan_of_a_statement_with_placeholders(postgres: PostgresServer, connect: Connect) -> None:
    database = postgres.create_database()
    postgres.psql(
        "create extension pg_stat_statements; select pg_stat_statements_reset();"
        "create table goods (id int primary key, label text);",
        database,
    )
    busy = await connect(postgres, database=database)
    async with console(postgres.url(database), interval=0.5) as c:
        await c.press("2", "d")
        await busy.fetch("select label from goods where id = $1", 7)
        await c.until(lambda: c.row("statements", "select label from goods where id = $1"))
        await c.go_to_row("select label from goods where id = $1", "statements")
        await c.press("e")
        await c.sees("Index Scan using goods_pkey on public", "generic plan")
        await c.press("E")
        assert c.main.pane == "query"
        await c.sees("select label from goods where id = $1")
        await busy.close()


async def test_the_plan_of_the_statement_under_the_cursor_of_the_editor(
    postgres18: PostgresServer, goods: str
) -> None:
    async with console(postgres18.url(goods)) as c:
        await c.edit("select 1;\nselect * from goods order by label")
        await c.press("ctrl+g")
        await c.sees("Sort", "Seq Scan on public.goods")
        await c.press("o")
        await c.sees("The plan as the server gave it", '"Node Type": "Sort"')
        await c.press("escape", "enter")
        await c.sees("Sort Key")


async def test_a_statement_without_a_plan_says_so_and_shows_no_older_plan(
    postgres18: PostgresServer, goods: str
) -> None:
    async with console(postgres18.url(goods)) as c:
        await c.edit("select * from goods")
        await c.press("ctrl+g")
        await c.sees("Seq Scan on public.goods")
        await c.edit("select * from nowhere")
        await c.press("ctrl+g")
        await c.sees('relation "nowhere" does not exist')
        await c.sees_no_more("Seq Scan on public.goods")
        await c.press("E")
        assert c.main.pane == "query"
        await c.edit("vacuum goods")
        await c.press("ctrl+g")
        await c.sees("VACUUM has no plan")


async def _plan(c: Console, sql: str) -> None:
    await c.edit(sql)
    await c.press("ctrl+g")
    await c.until(lambda: c.main.pane == "plan")
    await c.sees_no_more("asking for the plan")


async def _lift(c: Console) -> None:
    await c.press("L")
    await c.until(lambda: isinstance(c.app.screen, LiftQuestion))
    await c.type("trying", "enter")
    await c.type("10", "enter")
    await c.type("here", "enter")
    await c.sees("LIFTED")


async def test_analyze_asks_first_and_measures(postgres18: PostgresServer, goods: str) -> None:
    async with console(postgres18.url(goods)) as c:
        await _plan(c, "select count(*) from goods")
        await c.press("a")
        await c.sees("Run it to measure it?", "read-only", "select count(*) from goods")
        await c.press("escape")
        await c.hears("it was not run")
        await c.press("a")
        await c.type("run", "enter")
        await c.sees("execution")


async def test_analyze_of_a_write_is_refused_while_read_only(postgres18: PostgresServer, goods: str) -> None:
    async with console(postgres18.url(goods)) as c:
        await _plan(c, "delete from goods")
        await c.sees("Delete on public.goods")
        await c.press("a")
        await c.hears("lift read-only")
        assert not isinstance(c.app.screen, Question)
        await _plan(c, "select nextval('runs')")
        await c.press("a")
        await c.until(lambda: len(c.toasts()) == 2)
    assert _count(postgres18, goods) == "1000"
    assert postgres18.psql("select is_called from runs", goods) == "f"


async def test_analyze_of_a_write_runs_after_a_lift_and_is_rolled_back(
    postgres18: PostgresServer, goods: str
) -> None:
    async with console(postgres18.url(goods)) as c:
        await _plan(c, "delete from goods where id < 11")
        await _lift(c)
        await c.press("a")
        await c.sees("run and rolled back")
        await c.type("how slow is it", "enter")
        await c.type("run", "enter")
        await c.sees("execution", "Delete on public.goods")
    assert _count(postgres18, goods) == "1000"
    assert ("explain analyze", "how slow is it") in audited("action", "reason")


async def test_analyze_of_a_write_is_never_run_on_production(postgres18: PostgresServer, goods: str) -> None:
    async with console(target_of(postgres18.url(goods), Environment.PRODUCTION)) as c:
        await _plan(c, "delete from goods")
        await _lift(c)
        await c.press("a")
        await c.hears("never run on production")
        assert not isinstance(c.app.screen, Question)
    assert _count(postgres18, goods) == "1000"
