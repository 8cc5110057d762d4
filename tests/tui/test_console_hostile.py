"""Text of a server that means harm: it is drawn as text wherever it shows, and breaks nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest

from tests.servers.postgres import PostgresServer
from tests.tui.conftest import Connect
from tests.tui.console import Console, console
from tests.tui.golden import screen_text

ESCAPES = "\x1b]52;c;aGVsbG8=\x07\x1b[31m"
NASTY = f"{ESCAPES}[@click=app.quit]x[/] [/nope] \u202eevil\u2066 \x9b2J"
MARK = "[@click=app.quit]x[/]"  # of what must be seen as it stands
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _short(name: str) -> str:
    """A name within PostgreSQL's 63 bytes."""
    return name.encode()[:60].decode(errors="ignore")


TABLE, COLUMN = _short(f"t{NASTY}"), _short(f"c{NASTY}")


@pytest.fixture(scope="module")
def hostile(postgres18: PostgresServer) -> Iterator[str]:
    """A database whose every name means harm."""
    database = postgres18.create_database(_short(f"d {NASTY}").replace("=", ""))  # psql takes = for a setting
    postgres18.psql(
        f"create schema {_quoted(_short(f's{NASTY}'))};"
        f"create table public.{_quoted(TABLE)} ({_quoted(COLUMN)} text default {_literal(NASTY)});"
        f"insert into public.{_quoted(TABLE)} values ({_literal(NASTY)});"
        f"comment on table public.{_quoted(TABLE)} is {_literal(NASTY)};",
        database,
    )
    yield database
    postgres18.drop_database(database)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def harmless(c: Console) -> str:
    """What the screen shows, once it is certain that nothing of it is obeyed."""
    assert c.app.is_running
    shown = screen_text(c.app)
    assert FORBIDDEN.findall(shown.replace("\n", "")) == []
    assert FORBIDDEN.findall(c.shown().replace("\n", "")) == []
    return shown


async def test_a_session_that_means_harm(postgres18: PostgresServer, hostile: str, connect: Connect) -> None:
    busy = await connect(
        application=_short(NASTY).replace("\u202e", "").replace("\u2066", ""), database=hostile
    )
    running = asyncio.create_task(busy.execute(f"select pg_sleep(60), {_literal(NASTY)}"))
    async with console(postgres18.url(hostile), size=(160, 40)) as c:
        await c.go_to_row(MARK)
        await c.sees(MARK)
        harmless(c)
        for key, word in (
            ("enter", "esc closes"),
            ("escape", "Sessions"),
            ("x", "Cancel?"),
            ("escape", "Sessions"),
        ):
            await c.press(key)
            await c.sees(word)
            harmless(c)
        await c.press("X")
        await c.sees("Terminate?", MARK)
        await c.type("why", "enter")
        await c.type("no", "enter")
        harmless(c)
        await c.press("escape", "e")
        await c.sees("Result")  # the node of a plan without a table
        harmless(c)
        await c.press("o")
        await c.sees("as the server gave it")
        harmless(c)
        await c.press("escape", "E")
        await c.sees("SQL", MARK)
        harmless(c)
        await c.press("escape", "1", "y")
        assert c.app.clipboard == f"select pg_sleep(60), {_literal(NASTY)}"
    running.cancel()


async def test_a_schema_that_means_harm(postgres18: PostgresServer, hostile: str) -> None:
    async with console(postgres18.url(hostile), size=(160, 40), interval=2.0) as c:
        await c.press("3")
        tree = c.main.tree_widget
        await c.until(lambda: tree.reveal(("here", hostile, "public", TABLE)))
        await c.sees("table public.t", "text")
        assert "[@click" in harmless(c)
        await c.press("space")
        harmless(c)
        for _ in range(3):
            await c.press("right_square_bracket")
            await c.still()
            harmless(c)
        await c.press("s")
        await c.sees(MARK)
        harmless(c)
        await c.press("f")
        await c.sees("Find among")
        await c.type("tclick")
        await c.still()
        harmless(c)


async def test_rows_and_errors_that_mean_harm(postgres18: PostgresServer, hostile: str) -> None:
    async with console(postgres18.url(hostile), interval=2.0) as c:
        await c.edit(f"select * from public.{_quoted(TABLE)}")
        await c.press("ctrl+r")
        await c.sees("1 row ", MARK)
        harmless(c)
        await c.press("escape", "enter")
        await c.sees("Row", MARK)
        harmless(c)
        await c.press("escape", "y")
        assert c.app.clipboard == NASTY
        await c.edit(f"select {_literal(NASTY)}::int")
        await c.press("ctrl+r")
        await c.sees("invalid input syntax", MARK)
        harmless(c)
        await c.press("ctrl+g")
        await c.sees("invalid input syntax")
        harmless(c)


async def test_a_statement_of_a_megabyte(postgres18: PostgresServer, connect: Connect) -> None:
    with PostgresServer(18, {"track_activity_query_size": "1048576"}) as roomy:
        busy = await connect(roomy, application="long")
        sql = f"select pg_sleep(60), {_literal('x' * 1_000_000)}"
        running = asyncio.create_task(busy.execute(sql))
        async with console(roomy.url()) as c:
            await c.go_to_row("long")
            harmless(c)
            await c.press("enter")
            await c.sees("esc closes")
            harmless(c)
            await c.press("escape", "E")
            await c.sees("─ SQL")
            await c.press("escape", "1", "e")
            await c.until(lambda: c.main.pane == "plan")
            await c.still()
            harmless(c)
        running.cancel()
        busy.terminate()
