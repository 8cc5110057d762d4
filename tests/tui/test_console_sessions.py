"""The live pane on sessions that really wait: the blocking tree, and ending what blocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from dbtui import policy
from dbtui.live import session as session_module
from dbtui.model.server import Environment
from dbtui.tui.screens.confirm import Question
from dbtui.tui.widgets.cost import CostCorner
from dbtui.tui.widgets.grid import Grid
from tests.servers.postgres import PostgresServer
from tests.tui.conftest import Connect
from tests.tui.console import Console, audited, console, target_of


class Queue:
    """A session that holds a lock in its transaction, and sessions that wait for it."""

    def __init__(self, database: str, root: Any, waiters: list[Any]) -> None:
        self.database = database
        self.root = root
        self.waiters = waiters
        self.waiting = [asyncio.create_task(w.execute("update stock set n = n + 1")) for w in waiters]

    @property
    def root_id(self) -> str:
        return str(self.root.get_server_pid())


@pytest.fixture
async def queue(postgres18: PostgresServer, connect: Connect) -> AsyncIterator[Queue]:
    database = postgres18.create_database()
    postgres18.psql("create table stock (n int); insert into stock values (1)", database)
    root = await connect(application="root", database=database)
    await root.execute("begin; update stock set n = 2")
    waiters = [await connect(application=f"waiter{number}", database=database) for number in range(2)]
    made = Queue(database, root, waiters)
    yield made
    root.terminate()
    await asyncio.wait(made.waiting)
    for task in made.waiting:
        task.exception()


async def _on_root(c: Console, queue: Queue, key: str) -> None:
    """Put the cursor on the root and open the dialog of a key."""
    await c.until(
        lambda: c.row("sessions", f"└ {queue.waiters[1].get_server_pid()}") or c.row("sessions", "└")
    )
    await c.go_to_row(f"▶ {queue.root_id}")
    await c.press(key)
    await c.until(lambda: isinstance(c.app.screen, Question))


async def test_who_waits_stands_below_whom_it_waits_for(postgres18: PostgresServer, queue: Queue) -> None:
    async with console(postgres18.url()) as c:
        await c.until(
            lambda: len([row for row in c.rows() if "waiter" in row[3]]) == 2 and c.row("sessions", "└")
        )
        await c.sees(f"▶ {queue.root_id}", "blocked 2", f"root {queue.root_id}", "idle in tx", "Lock:")
        assert c.rows()[0][3] == "root"
        await c.go_to_row("▶")
        await c.sees("blocks 2")


async def test_terminate_frees_the_waiters_and_is_audited(postgres18: PostgresServer, queue: Queue) -> None:
    async with console(postgres18.url()) as c:
        await _on_root(c, queue, "X")
        await c.sees("Ends the session", "idle in transaction", "update stock set n = 2")
        await c.sees("still as shown", "frees 2 waiters", "its changes are rolled back")
        await c.type("it blocks the till", "enter")
        await c.type(queue.root_id, "enter")
        await asyncio.wait(queue.waiting, timeout=15)
        assert [task.result() for task in queue.waiting] == ["UPDATE 1", "UPDATE 1"]
        await c.hears("it was ended")
        await c.sees("nobody waits for a lock")
        proof = f"session {queue.root_id} is gone; all 2 waiters were freed"
        await c.hears(proof)
    assert audited("action", "reason", "result", "connection") == [
        ("terminate", "it blocks the till", "done", "here"),
        ("proof", "it blocks the till", proof, "here"),
    ]
    assert f"{queue.root_id} postgres@{queue.database} root" == audited("target")[0][0]


async def test_a_cancel_that_frees_nobody_says_so_before_and_after(
    postgres18: PostgresServer, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module.ConsoleSession.prove, "__kwdefaults__", {"seconds": 1.0})
    async with console(postgres18.url()) as c:
        await _on_root(c, queue, "x")
        await c.sees("frees none of 2 waiters", "terminate frees them")
        await c.press("enter")
        await c.type(queue.root_id, "enter")
        await c.hears("0 of 2 waiters were freed, 2 still wait · X terminates it")


async def test_marked_sessions_are_ended_as_one_counted_list(
    postgres18: PostgresServer, connect: Connect
) -> None:
    crons = [await connect(application="cron") for _ in range(3)]
    await connect(application="web")
    gone, *left = crons
    async with console(target_of(postgres18.url(), Environment.PRODUCTION)) as c:
        await c.press("i")
        await c.go_to_row("cron")
        await c.press("t")
        await c.type("app=nobody")
        await c.sees("the filter takes nobody")
        await c.press(*["backspace"] * 6)
        await c.type("cron state=idle")
        await c.until(lambda: len(c.app.screen.query_one("#taken", Grid).rows) == 3)
        await c.press("enter")
        await c.sees("3 marked")
        await c.go_to_row("web")
        await c.press("X")
        await c.sees("Terminate 3 sessions?", "3 × postgres@postgres cron idle", "nobody waits behind them")
        await gone.close()
        await c.sees("1 are gone meanwhile")
        await c.press("enter")
        await c.type("3", "enter")
        await c.sees("that is not here 3")
        await c.press("backspace")
        await c.type("here 3", "enter")
        await c.hears("terminated 2 of 3")
        await c.hears("3 of 3 sessions are gone")
        await c.until(lambda: all(one.is_closed() for one in left))
        await c.sees_no_more("marked")
        assert c.row("sessions", "web")
    assert sorted(result for _, result in audited("action", "result"))[1:] == ["done", "done", "target gone"]


async def test_marks_are_set_row_by_row_and_taken_away(postgres18: PostgresServer, connect: Connect) -> None:
    for number in range(2):
        await connect(application=f"one{number}")
    async with console(postgres18.url()) as c:
        await c.press("i")
        await c.go_to_row("one0")
        await c.press("space")
        await c.sees("1 marked")
        await c.go_to_row("one1")
        await c.press("space")
        await c.sees("2 marked")
        await c.press("u")
        await c.sees_no_more("marked")
        await c.press("t", "escape")
        assert c.row("sessions", "one0")


async def test_cancel_stops_a_statement_and_leaves_the_session(
    postgres18: PostgresServer, connect: Connect
) -> None:
    busy = await connect(application="busy")
    running = asyncio.create_task(busy.execute("select pg_sleep(60)"))
    async with console(postgres18.url()) as c:
        await c.go_to_row("busy")
        await c.press("x")
        await c.sees("Stops its running statement", "select pg_sleep(60)")
        await c.press("enter")
        await c.type(str(busy.get_server_pid()), "enter")
        with pytest.raises(asyncpg.QueryCanceledError):
            await running
        await c.hears("its statement was cancelled")
        assert await busy.fetchval("select 1") == 1


async def test_a_wrong_word_and_escape_do_nothing(postgres18: PostgresServer, queue: Queue) -> None:
    async with console(postgres18.url()) as c:
        await _on_root(c, queue, "X")
        await c.type("why", "enter")
        await c.type("1", "enter")
        await c.sees(f"that is not {queue.root_id}")
        assert isinstance(c.app.screen, Question)
        await c.press("escape")
        assert not isinstance(c.app.screen, Question)
        await _on_root(c, queue, "x")
        await c.press("escape")
        assert await queue.root.fetchval("select 1") == 1
        assert not any(task.done() for task in queue.waiting)
    assert audited("action") == []


async def test_a_session_that_went_meanwhile_is_told(postgres18: PostgresServer, connect: Connect) -> None:
    gone = await connect(application="gone")
    pid = str(gone.get_server_pid())
    async with console(postgres18.url()) as c:
        await c.press("i")
        await c.go_to_row("gone")
        await c.press("X")
        await c.sees("Ends the session")
        await gone.close()
        await c.press("enter")
        await c.type(pid, "enter")
        await c.hears("no longer what you saw")
    assert audited("action", "result") == [("terminate", "target gone")]


async def test_a_role_that_may_not_signal_is_told_the_grant(
    postgres18: PostgresServer, connect: Connect
) -> None:
    postgres18.psql("drop role if exists looker; create role looker login; grant pg_monitor to looker;")
    other = await connect(application="foreign")
    running = asyncio.create_task(other.execute("select pg_sleep(60)"))
    async with console(postgres18.url(user="looker")) as c:
        await c.go_to_row("foreign")
        await c.press("x", "enter")
        await c.type(str(other.get_server_pid()), "enter")
        await c.until(c.toasts)
        said = " ".join(c.toasts())
        assert "superuser" in said or "GRANT pg_signal_backend" in said
        assert not running.done()
    running.cancel()


async def test_production_is_told_in_the_dialog_and_in_the_bar(
    postgres18: PostgresServer, queue: Queue
) -> None:
    async with console(target_of(postgres18.url(), Environment.PRODUCTION)) as c:
        await c.sees("production")
        await _on_root(c, queue, "X")
        await c.sees("here (production)")


async def test_the_detail_of_a_session_is_its_whole_statement(
    postgres18: PostgresServer, connect: Connect
) -> None:
    busy = await connect(application="busy")
    running = asyncio.create_task(busy.execute("select pg_sleep(60),\n  'second line'"))
    async with console(postgres18.url()) as c:
        await c.go_to_row("busy")
        await c.press("enter")
        await c.sees(
            f"Session {busy.get_server_pid()}", "select pg_sleep(60),", "  'second line'", "esc closes"
        )
        await c.press("y")
        assert "second line" in c.app.clipboard
        await c.press("escape")
        await c.press("y")
        assert c.app.clipboard == "select pg_sleep(60),\n  'second line'"
    running.cancel()


async def test_what_a_missing_grant_hides_is_told_with_the_grant(
    postgres: PostgresServer, connect: Connect
) -> None:
    postgres.psql("drop role if exists plain; create role plain login;")
    await connect(postgres, application="secret")
    async with console(postgres.url(user="plain"), size=(140, 40)) as c:
        await c.sees("masked: GRANT pg_monitor TO plain;", "<insufficient privilege>")
        for key in ("e", "E", "y"):
            await c.press(key)
            await c.until(lambda key=key: len(c.toasts()) == "eEy".index(key) + 1)
        assert {"its statement is hidden: GRANT pg_monitor TO plain;"} == set(c.toasts())
        assert c.main.pane == "live"


async def test_the_policy_of_the_machine_can_forbid_it(
    postgres18: PostgresServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    rail = policy.Policy(True, frozenset({policy.Feature.TERMINATE}), "ask the release team")
    monkeypatch.setattr(policy, "current", lambda: rail)
    await connect(application="kept")
    async with console(target_of(postgres18.url(), read_only=False)) as c:
        await c.sees("READ-ONLY")
        await c.press("i")
        await c.go_to_row("kept")
        await c.press("X")
        await c.hears("terminate is forbidden by /etc/dbtui/policy.toml: ask the release team")
        assert not isinstance(c.app.screen, Question)
        await c.press("L")
        await c.type("a fix", "enter")
        await c.type("1", "enter")
        await c.type("here", "enter")
        await c.hears("writing is forbidden")
        assert c.main.session.lift is None
    assert audited("action") == []


@pytest.mark.parametrize(("size", "line"), [((120, 40), 1), ((80, 24), -2)])
async def test_what_the_console_causes_has_its_corner_at_each_width(
    postgres18: PostgresServer, size: tuple[int, int], line: int
) -> None:
    async with console(postgres18.url(), interval=2.0, size=size) as c:
        await c.sees("nobody waits")
        for _ in range(2):
            c.main.query_one(CostCorner).measure()
        await c.sees(" q/s ")
        (found,) = [number for number, text in enumerate(c.shown().splitlines()) if " q/s " in text]
        assert found == line % size[1] and "B/s" in c.shown().splitlines()[found]
