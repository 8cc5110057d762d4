"""Servers that go, stall, refuse or ask for a password while the console runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from dbtui.config import connections_file
from dbtui.tui.screens.confirm import PasswordQuestion
from dbtui.tui.screens.connect import ConnectScreen
from tests.servers.postgres import PostgresServer
from tests.servers.process import free_port
from tests.tui.console import PATIENCE, TALL, Console, console, target_of


@pytest.fixture(scope="module")
def fragile() -> Iterator[PostgresServer]:
    """A server that tests may kill and stall."""
    with PostgresServer(18, {"pg_stat_statements.max": "100"}) as server:
        yield server


def _sessions(server: PostgresServer) -> str:
    return server.psql(
        "select pid, backend_start, state, query from pg_stat_activity where application_name = 'dbtui'"
    )


async def _nobody_left(server: PostgresServer, but: str = "") -> None:
    """Wait until there are no sessions of ours but those that a pooler kept from earlier tests."""
    end = time.monotonic() + PATIENCE
    while (left := _sessions(server)) != but:
        assert time.monotonic() < end, left
        await asyncio.sleep(0.05)


async def test_a_server_that_is_killed_and_comes_back(fragile: PostgresServer) -> None:
    async with console(fragile.url()) as c:
        fragile.kill()
        await c.sees("▲ lost", "s ago", "again in")
        assert c.grid().stale
        await c.press("i", "2")
        assert c.main.pane == "statements"
        await c.press("question_mark")
        await c.sees("Keys")
        await c.press("escape", "1")
        fragile.start_again()
        await c.press("r")
        await c.sees("READ-ONLY  0 s ago")
        await c.until(lambda: not c.grid().stale)


async def test_a_statement_on_a_session_that_was_lost_is_told_and_the_next_one_runs(
    fragile: PostgresServer,
) -> None:
    async with console(fragile.url()) as c:
        await c.edit("select 'before' as word")
        await c.press("ctrl+r")
        await c.sees("before", "1 row ")
        fragile.psql(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'dbtui'"
        )
        await c.edit("select 'after' as word")
        for _ in range(3):
            await c.press("ctrl+r")
            await c.until(lambda: "running" not in c.shown())
            if "after" in c.shown().split("Result")[1]:
                break
        await c.sees("after", "1 row ")
        await c.sees("0 s ago")


async def test_a_server_that_stops_answering_holds_up_no_key_and_no_quit(fragile: PostgresServer) -> None:
    async with console(fragile.url()) as c:
        with fragile.stalled():
            await c.until(lambda: c.main.snapshot and "not answered" in c.main.snapshot.trouble)
            await c.sees("not answered")
            for key, word in (
                ("2", "Statements"),
                ("4", "SQL"),
                ("escape", "SQL"),
                ("7", "Verdicts"),
                ("escape", "Verdicts"),
                ("1", "Sessions"),
            ):
                await c.press(key)
                await c.sees(word)
            await c.until(lambda: c.grid().stale)
            began = time.monotonic()
            await c.press("q")
            await c.until(lambda: not c.app.is_running)
        assert time.monotonic() - began < 5
    await _nobody_left(fragile)


async def test_leaving_leaves_no_session_behind(postgres18: PostgresServer) -> None:
    before = _sessions(postgres18)
    async with console(postgres18.url()) as c:
        await c.edit("select pg_sleep(60)")
        await c.press("ctrl+r")
        await c.sees("running")
    await _nobody_left(postgres18, before)


async def test_a_refused_connection_ends_the_console_with_its_reason() -> None:
    url = f"postgresql://me:hidden@127.0.0.1:{free_port()}/postgres"
    async with console(url, wait=False) as c:
        await c.until(lambda: not c.app.is_running)
        assert "nothing listens at 127.0.0.1" in c.app.failure
        assert "hidden" not in c.app.failure
        assert c.app.return_value == 2


# ---- passwords


async def test_a_password_is_asked_for_and_connects(postgres18: PostgresServer) -> None:
    url = f"postgresql://postgres@127.0.0.1:{postgres18.port}/postgres"
    async with console(url, wait=False) as c:
        await c.until(lambda: isinstance(c.app.screen, PasswordQuestion))
        await c.sees("Password for here")
        await c.type(postgres18.password)
        assert postgres18.password not in c.shown()
        await c.press("enter")
        await c.connected()
        await c.sees("PostgreSQL 18")


@pytest.mark.parametrize("typed", ["wrong", None], ids=["wrong", "escape"])
async def test_a_password_that_is_wrong_or_not_given_ends_with_a_line(
    postgres18: PostgresServer, typed: str | None
) -> None:
    url = f"postgresql://postgres@127.0.0.1:{postgres18.port}/postgres"
    async with console(url, wait=False) as c:
        await c.until(lambda: isinstance(c.app.screen, PasswordQuestion))
        if typed is None:
            await c.press("escape")
        else:
            await c.type(typed, "enter")
        await c.until(lambda: not c.app.is_running)
        assert c.app.return_value == 2
        assert "password" in c.app.failure
        assert "\n" not in c.app.failure
        assert "wrong" not in c.app.failure


async def test_a_password_is_asked_once_for_all_sessions(postgres18: PostgresServer) -> None:
    url = f"postgresql://postgres@127.0.0.1:{postgres18.port}/postgres"
    async with console(url, wait=False) as c:
        await c.until(lambda: isinstance(c.app.screen, PasswordQuestion))
        await c.type(postgres18.password, "enter")
        await c.connected()
        await c.edit("select 'through' as word")
        await c.press("ctrl+r")
        await c.sees("through", "1 row ")


# ---- the picker, and several servers


def _save(text: str) -> None:
    connections_file().parent.mkdir(parents=True)
    connections_file().write_text(text)
    connections_file().chmod(0o600)


def _both(one: PostgresServer, other: PostgresServer) -> None:
    _save(
        f'[alpha]\nurl = "{one.url()}"\nenvironment = "development"\ntags = ["shop"]\n\n'
        f'[beta]\nurl = "{other.url()}"\n\n'
        f'[gone]\nurl = "postgresql://me@127.0.0.1:{free_port()}/x"\nenvironment = "staging"\n'
    )


async def _picked(c: Console, words: str) -> None:
    await c.until(lambda: isinstance(c.app.screen, ConnectScreen))
    await c.type(words, "enter")


async def test_the_picker_lists_filters_and_opens(
    postgres18: PostgresServer, postgres15: PostgresServer
) -> None:
    _both(postgres18, postgres15)
    async with console(None, wait=False) as c:
        await c.sees("alpha", "beta", "gone", "development", "production", "staging", "saved", "shop")
        await c.type("beta")
        await c.sees_no_more("alpha")
        await c.press("enter")
        await c.connected()
        await c.sees("beta", "production", "PostgreSQL 15")


async def test_the_picker_takes_a_url_with_a_password_and_shows_it_nowhere(
    postgres18: PostgresServer,
) -> None:
    async with console(None, wait=False) as c:
        await c.sees("no connection is saved")
        app_input = c.app.screen.query_one("Input")
        app_input.value = postgres18.url(tcp=True)  # type: ignore[attr-defined]
        await c.press("enter")
        await c.connected()
        assert postgres18.password not in c.shown()


async def test_the_picker_tells_what_is_wrong_with_the_file() -> None:
    _save('[alpha]\nurll = "postgresql://"\n')
    async with console(None, wait=False) as c:
        await c.sees("[alpha] in", "did you mean url?")


async def test_a_server_that_refuses_leads_back_to_the_picker(
    postgres18: PostgresServer, postgres15: PostgresServer
) -> None:
    _both(postgres18, postgres15)
    async with console(None, wait=False) as c:
        await _picked(c, "gone")
        await c.sees("nothing listens at 127.0.0.1")
        assert isinstance(c.app.screen, ConnectScreen)
        assert [task for task in asyncio.all_tasks() if "sampler" in task.get_name()] == []
        await _picked(c, "alpha")
        await c.connected()
        await c.sees("alpha", "PostgreSQL 18")


async def test_a_url_that_cannot_be_read_is_told_by_the_picker() -> None:
    async with console(None, wait=False) as c:
        await c.until(lambda: isinstance(c.app.screen, ConnectScreen))
        c.app.screen.query_one("Input").value = "nonsense://x:geheim@y"  # type: ignore[attr-defined]
        await c.press("enter")
        await c.sees("nonsense")
        assert "geheim" not in c.shown()
        assert isinstance(c.app.screen, ConnectScreen)


async def test_several_servers_stand_in_the_tree_and_keep_running(
    postgres18: PostgresServer, postgres15: PostgresServer
) -> None:
    _both(postgres18, postgres15)
    before = _sessions(postgres18), _sessions(postgres15)
    async with console(None, wait=False, size=TALL) as c:
        await _picked(c, "alpha")
        await c.connected()
        await c.press("3")
        await c.sees("alpha", "beta", "not connect")
        first = c.main
        assert first.tree_widget.reveal(("beta",))
        await c.press("enter")
        await c.until(lambda: c.main is not first)
        await c.connected()
        await c.sees("PostgreSQL 15", "beta")
        await c.press("3")
        await c.until(lambda: c.main.tree_widget.reveal(("alpha",)))
        await c.press("enter")
        await c.until(lambda: c.main is first)
        await c.sees("PostgreSQL 18")
        await c.press("ctrl+o")
        await c.until(lambda: isinstance(c.app.screen, ConnectScreen))
        await _picked(c, "beta")
        await c.until(lambda: c.main.target.name == "beta")
        await c.sees("PostgreSQL 15")
        samplers = [task for task in asyncio.all_tasks() if task.get_name().startswith("sampler of")]
        assert len(samplers) == 2
    await _nobody_left(postgres18, before[0])
    await _nobody_left(postgres15, before[1])


async def test_a_server_of_the_tree_that_refuses_leaves_the_console_where_it_was(
    postgres18: PostgresServer, postgres15: PostgresServer
) -> None:
    _both(postgres18, postgres15)
    target = target_of(postgres18.url(), name="alpha")
    async with console(target) as c:
        await c.press("3")
        assert c.main.tree_widget.reveal(("gone",))
        await c.press("enter")
        await c.hears("nothing listens at 127.0.0.1")
        await c.sees("alpha", "PostgreSQL 18")
        assert list(c.app.consoles) == ["alpha"]


async def test_two_servers_of_one_name_are_two_consoles(
    postgres18: PostgresServer, postgres15: PostgresServer
) -> None:
    _both(postgres18, postgres15)
    async with console(target_of(postgres15.url(), name="alpha")) as c:
        await c.press("ctrl+o")
        await _picked(c, "alpha")
        await c.connected()
        await c.sees("alpha (2)", "PostgreSQL 18")
