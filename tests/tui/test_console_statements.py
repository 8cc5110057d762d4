"""The statement pane: with counters, without the extension, and its whole text."""

from __future__ import annotations

from dbtui.tui.screens.texts import TextScreen
from tests.servers.postgres import PostgresServer
from tests.tui.conftest import Connect
from tests.tui.console import console


async def test_the_load_since_the_last_sample_and_since_the_reset(
    postgres18: PostgresServer, connect: Connect
) -> None:
    database = postgres18.create_database()
    postgres18.psql("create extension pg_stat_statements; select pg_stat_statements_reset()", database)
    busy = await connect(database=database)
    async with console(postgres18.url(database), interval=0.5) as c:
        await c.press("2", "d", "d")
        await busy.fetch("select 'marmalade', count(*) from generate_series(1, 1000)")
        await c.until(lambda: c.row("statements", "count(*) from generate_series"))
        await c.sees("since the reset", "pg_stat_statements")
        await c.go_to_row("count(*) from generate_series", "statements")
        await c.sees(f"postgres@{database}")
        await c.press("enter")
        await c.until(lambda: isinstance(c.app.screen, TextScreen))
        await c.press("escape", "y")
        assert "generate_series" in c.app.clipboard
        await c.press("slash")
        await c.type("generate_series", "enter")
        await c.until(lambda: all("generate_series" in row[-1] for row in c.rows("statements")))


async def test_without_the_extension_it_says_how_to_have_it(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    async with console(postgres.url(database), size=(160, 40)) as c:
        await c.press("2")
        await c.sees("CREATE EXTENSION pg_stat_statements")


async def test_how_often_it_was_planned_is_drawn_where_the_server_counts_it(
    postgres18: PostgresServer, connect: Connect
) -> None:
    database = postgres18.create_database()
    postgres18.psql("create extension pg_stat_statements; select pg_stat_statements_reset()", database)
    busy = await connect(database=database)
    async with console(postgres18.url(database), interval=0.5, size=(240, 40)) as c:
        await c.press("2", "d", "d")
        await c.sees("since the reset", "WAL")
        assert "Plans" not in c.shown() and "Examined" not in c.shown()
        await busy.execute("set pg_stat_statements.track_planning = on")
        await busy.fetch("select count(*) from generate_series(1, 10)")
        await c.sees("Plans")
        assert "Examined" not in c.shown()
