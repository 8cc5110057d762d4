"""Health, progress, upkeep and alerts in the console, on servers that really are unwell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from dbtui.config import config_folder
from dbtui.model.activity import Activity, Deadlock, Health, Party, Progress, Replica, Slot, Worn
from dbtui.model.server import Environment
from dbtui.model.snapshot import Section
from dbtui.text import printable
from dbtui.tui.acting import Target
from dbtui.tui.screens.confirm import Question
from dbtui.tui.upkeep import shown
from dbtui.tui.watching import Watching
from dbtui.tui.widgets.grid import Grid
from tests.servers.postgres import PostgresServer
from tests.tui.conftest import Connect
from tests.tui.console import Console, audited, console, target_of
from tests.tui.recorded import NOW, SESSIONS, SNAPSHOT, recorded


@pytest.fixture
async def blocked(postgres18: PostgresServer, connect: Connect) -> AsyncIterator[str]:
    """A session that waits behind an idle transaction; the id of its root."""
    database = postgres18.create_database()
    postgres18.psql("create table stock (n int); insert into stock values (1)", database)
    root = await connect(application="till", database=database)
    await root.execute("begin; update stock set n = 2")
    waiter = await connect(application="web", database=database)
    waiting = asyncio.create_task(waiter.execute("update stock set n = 3"))
    yield str(root.get_server_pid())
    root.terminate()
    await asyncio.wait({waiting})
    waiting.exception()


def written(name: str, text: str) -> Path:
    folder = config_folder()
    folder.mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    file = folder / name
    file.write_text(text)
    file.chmod(0o600)
    return file


async def test_the_cause_is_named_in_every_pane_that_tells_of_it(
    postgres18: PostgresServer, blocked: str
) -> None:
    written("health.toml", "[any-blocked-sessions]\nseconds = 0.1\n")
    async with console(postgres18.url()) as c:
        cause = f"1 wait behind session {blocked}, idle in a transaction"
        await c.sees("1 error", cause)
        await c.press("9")
        await c.sees("any-blocked-sessions", "1 error", "seconds 0.1 s (changed)", "longest for")
        await c.press("6")
        await c.sees(cause)
        await c.press("d")
        await c.sees("Why it matters")


async def test_a_well_server_says_so(postgres18: PostgresServer) -> None:
    async with console(postgres18.url()) as c:
        await c.press("9")
        await c.sees("nothing crosses a threshold", "● ok", "pg-wraparound", "age 1.0G")
        await c.press("D")
        await c.sees("Last deadlock", "logging_collector")


async def test_a_table_is_analysed_behind_a_question(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql(
        "create table fresh with (autovacuum_enabled = off) as select generate_series(1, 500) n", database
    )
    async with console(target_of(postgres18.url(database), Environment.PRODUCTION)) as c:
        await c.press("3")
        await c.until(lambda: c.main.tree_widget.reveal(("here", database, "public", "fresh")))
        await c.sees("table public.fresh", "never analyzed")
        await c.press("V")
        await c.until(lambda: isinstance(c.app.screen, Question))
        await c.sees("VACUUM (ANALYZE) public.fresh", "production")
        await c.type("after a load", "enter")
        await c.type("here", "enter")
        await c.hears("done in")
    assert postgres18.psql("select reltuples from pg_class where relname = 'fresh'", database) == "500"
    assert ("write", "VACUUM (ANALYZE) public.fresh", "after a load") in audited("action", "target", "reason")


@pytest.fixture
def slow(postgres18: PostgresServer) -> str:
    """A database with a table that VACUUM takes minutes for."""
    database = postgres18.create_database()
    postgres18.psql(
        "create table big with (autovacuum_enabled = off) as select generate_series(1, 300000) n;"
        " delete from big where n % 2 = 0;"
        f" alter database {database} set vacuum_cost_delay = 100; alter database {database} set vacuum_cost_limit = 1",
        database,
    )
    return database


async def test_a_vacuum_is_stopped_by_the_key_that_began_it(postgres18: PostgresServer, slow: str) -> None:
    async with console(target_of(postgres18.url(slow))) as c:
        await _begin_vacuum(c, postgres18, slow)
        await c.press("V")
        await c.sees("Stop it?", "VACUUM (ANALYZE) public.big")
        await c.type("stop", "enter")
        await c.hears("VACUUM (ANALYZE) public.big: stopped")
        await c.until(lambda: not _vacuums(postgres18))
        line = ("write", "VACUUM (ANALYZE) public.big", "stopped")
        await c.until(lambda: line in audited("action", "target", "result"))


async def test_a_vacuum_of_ours_is_cancelled_like_anybodys(postgres18: PostgresServer, slow: str) -> None:
    async with console(target_of(postgres18.url(slow))) as c:
        await _begin_vacuum(c, postgres18, slow)
        pid = _vacuums(postgres18)
        await c.press("9", "r")
        await c.until(lambda: c.row("running", "VACUUM"))
        _focus(c, "running")
        await c.press("x")
        await c.sees("Cancel?", f"session {pid}", "dbtui change")
        await c.type("", "enter")
        await c.type(pid, "enter")
        await c.hears("canceling statement due to user request")
        assert not _vacuums(postgres18)


def _vacuums(server: PostgresServer) -> str:
    """The sessions that vacuum now."""
    return server.psql("select pid from pg_stat_progress_vacuum").strip()


async def _begin_vacuum(c: Console, server: PostgresServer, database: str) -> None:
    await c.press("3")
    await c.until(lambda: c.main.tree_widget.reveal(("here", database, "public", "big")))
    await c.sees("table public.big")
    await c.press("V")
    await c.sees("VACUUM (ANALYZE) public.big", "the same key stops it")
    await c.type("", "enter")
    await c.type("vacuum", "enter")
    await c.hears("runs: see pane 9")
    await c.until(lambda: _vacuums(server))


async def test_an_alert_rings_and_runs_its_command(
    postgres18: PostgresServer, blocked: str, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    written(
        "alerts.toml",
        '[till-blocks]\nmetric = "waiting"\nabove = 0\nseverity = "error"\nnotify = ["command", "bell"]\n'
        f"command = ['sh', '-c', 'echo $DBTUI_SERVER $DBTUI_STATE >> {witness}']\n",
    )
    async with console(postgres18.url()) as c:
        await c.hears("till-blocks fires: waiting is 1")
        await c.sees("▲ till-blocks")
        await c.until(witness.exists)
        await c.until(lambda: witness.read_text() == "here firing\n")
        postgres18.psql(f"select pg_terminate_backend({blocked})")
        await c.hears("till-blocks is over")
        await c.sees_no_more("▲ till-blocks")
        await c.until(lambda: witness.read_text() == "here firing\nhere over\n")


async def test_files_that_cannot_be_used_are_told(postgres18: PostgresServer) -> None:
    written("alerts.toml", "[x]\nabove = 1\n")
    async with console(postgres18.url()) as c:
        await c.hears("no alert is watched for")


async def test_a_build_shows_how_far_it_is(postgres18: PostgresServer, connect: Connect) -> None:
    database = postgres18.create_database()
    postgres18.psql("create table big as select generate_series(1, 100) n", database)
    holder = await connect(application="holder", database=database)
    await holder.execute("begin; insert into big values (0)")
    builder = await connect(application="builder", database=database)
    building = asyncio.create_task(builder.execute("create index concurrently slow on big (n)"))
    async with console(postgres18.url(database)) as c:
        await c.press("9")
        await c.until(lambda: c.row("running", "CREATE INDEX"))
        row = c.row("running", "CREATE INDEX")
        assert row is not None and str(builder.get_server_pid()) == row.cells[0]
        await c.sees("waiting for writers")
        _focus(c, "running")
        await c.press("x")
        await c.until(lambda: isinstance(c.app.screen, Question))
        await c.sees(f"session {builder.get_server_pid()}")
        await c.press("escape")
    await holder.execute("rollback")
    await building


def _focus(c: Console, grid: str) -> None:
    c.grid(grid).focus()


async def test_names_that_a_server_sends_reach_no_terminal() -> None:
    nasty = "\x1b]0;owned\x07\x9b2J[bold]x[/]"
    health = Health(
        replicas=(Replica(nasty, nasty, nasty, 1, 1.0),),
        progress=(Progress("1", nasty, nasty, nasty, 1.0, 2.0, nasty),),
        slots=(Slot(nasty, nasty, False, "lost", 1),),
        worn=(Worn(nasty, nasty, 1, 10**9, 1, None, None),),
        notes=(nasty,),
    )
    root, waiter = (
        replace(session, user=nasty, application=nasty, query=nasty, database=nasty)
        for session in SESSIONS[:2]
    )
    unwell = replace(
        SNAPSHOT, health=Section(health, NOW), activity=Section(Activity((root, waiter), 2, 2), NOW)
    )
    async with recorded((120, 40), None) as c:
        c.main.watching = Watching("postgres")
        c.main.snapshot = unwell
        for pane in ("9", "6", "1"):
            await c.press(pane)
            await c.sees("owned")
            assert not {"\x1b", "\x9b", "\x07"} & set(c.shown())
        target = Target(c.main, "terminate", (root, waiter))
        c.app.push_screen(Question(target.title, target.body, target.word, now=target.now))
        await c.sees("Terminate 2 sessions?")
        assert not {"\x1b", "\x9b", "\x07"} & set(c.shown())
        await c.press("escape", "t")
        await c.type("user:owned")
        await c.until(lambda: len(c.app.screen.query_one("#taken", Grid).rows) == 2)
        assert not {"\x1b", "\x9b", "\x07"} & set(c.shown())
    found = Deadlock((Party(nasty, nasty, nasty, True),), nasty, nasty)
    assert "\x1b" not in printable(shown(found, 1.0), keep_newlines=True)
