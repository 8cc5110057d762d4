"""Panes, palette, help, filter, sorting: what keys and the mouse do."""

from __future__ import annotations

import pytest
from textual.command import CommandPalette
from textual.widgets import Input

from dbtui.config import config_folder
from dbtui.tui.panes import PANES
from dbtui.tui.screens.help import HelpScreen
from dbtui.tui.widgets.grid import Grid
from dbtui.tui.widgets.pane_tabs import PaneTabs
from tests.servers.postgres import PostgresServer
from tests.tui.conftest import Connect
from tests.tui.console import console

LANDMARKS = {
    "live": "Sessions",
    "statements": "Statement",
    "schema": "Objects",
    "query": "SQL",
    "plan": "no plan yet",
    "findings": "Findings",
    "migrate": "Verdicts",
    "advise": "What if",
    "health": "Health",
}


async def test_every_pane_opens_by_its_digit_and_by_a_click(postgres18: PostgresServer) -> None:
    async with console(postgres18.url()) as c:
        for digit, pane in PANES.items():
            await c.press("escape", str(digit))
            assert c.main.pane == pane
            await c.sees(LANDMARKS[pane])
        tabs = c.main.query_one(PaneTabs)
        at = 1
        for name, label in tabs.labels(tabs.size.width):
            await c.click(PaneTabs, at + 2)
            assert c.main.pane == name
            at += len(label)


@pytest.mark.parametrize("size", [(80, 24), (40, 24), (20, 8)])
async def test_every_pane_opens_on_a_small_terminal(
    postgres18: PostgresServer, size: tuple[int, int]
) -> None:
    async with console(postgres18.url(), size=size) as c:
        for digit, pane in PANES.items():
            await c.press("escape", str(digit))
            assert c.main.pane == pane
            assert not [line for line in c.shown().splitlines() if len(line) > size[0]]


async def test_a_terminal_that_changes_its_size_is_followed(postgres18: PostgresServer) -> None:
    async with console(postgres18.url(), size=(120, 40)) as c:
        for digit in map(str, PANES):
            await c.press("escape", digit)
            for size in ((40, 12), (1, 1), (80, 24)):
                await c.resize(*size)
            await c.sees(LANDMARKS[PANES[int(digit)]])


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_the_palette_lists_actions_and_runs_one(postgres18: PostgresServer, key: str) -> None:
    async with console(postgres18.url()) as c:
        await c.press(key)
        await c.until(lambda: isinstance(c.app.screen, CommandPalette))
        await c.sees("Explain", "Idle")
        await c.type("idle")
        await c.sees("show or hide idle sessions")
        await c.press("enter")
        await c.until(lambda: not isinstance(c.app.screen, CommandPalette))
        await c.sees_no_more("idle hidden")


async def test_the_palette_opens_from_the_editor_and_goes_to_another_pane(postgres18: PostgresServer) -> None:
    async with console(postgres18.url()) as c:
        await c.edit("select 1")
        await c.press("ctrl+p")
        await c.until(lambda: isinstance(c.app.screen, CommandPalette))
        await c.type("migrate")
        await c.sees("go to the migration planner")
        await c.press("enter")
        await c.until(lambda: c.main.pane == "migrate")


async def test_the_help_is_searched_and_left(postgres18: PostgresServer) -> None:
    async with console(postgres18.url()) as c:
        await c.press("question_mark")
        await c.sees("Keys", "cancel the session's statement")
        await c.type("terminate")
        await c.sees_no_more("cancel the session's statement")
        await c.sees("end the session, after a question")
        await c.type(" nosuchkey")
        await c.sees("no key does that")
        await c.press("escape")
        assert not isinstance(c.app.screen, HelpScreen)


async def at_work(connect: Connect) -> None:
    """A session that is not idle: idle ones are hidden only where there is another."""
    await (await connect()).execute("begin")


async def test_keys_of_the_user_are_taken_and_told(postgres18: PostgresServer, connect: Connect) -> None:
    config_folder().mkdir(parents=True)
    (config_folder() / "keymap.toml").write_text('[keys]\n"live.idle" = "I"\n')
    await at_work(connect)
    async with console(postgres18.url()) as c:
        await c.sees("idle hidden", "I Idle")
        await c.press("i")
        await c.settle()
        assert "idle hidden" in c.shown()
        await c.press("I")
        await c.sees_no_more("idle hidden")


async def test_a_keymap_that_cannot_be_used_is_told_and_the_defaults_stay(
    postgres18: PostgresServer, connect: Connect
) -> None:
    config_folder().mkdir(parents=True)
    await at_work(connect)
    (config_folder() / "keymap.toml").write_text('[keys]\n"live.nothing" = "I"\n')
    async with console(postgres18.url(), theme="no-such-theme") as c:
        await c.hears("live.nothing")
        await c.hears("no-such-theme")
        await c.sees("idle hidden")
        await c.press("i")
        await c.sees_no_more("idle hidden")


async def test_the_filter_narrows_while_typing_and_escape_ends_it(
    postgres18: PostgresServer, connect: Connect
) -> None:
    for name in ("needle", "straw", "hay"):
        await connect(application=name)
    async with console(postgres18.url()) as c:
        await c.press("i")
        await c.until(lambda: c.row("sessions", "straw"))
        await c.press("slash")
        await c.type("needle")
        await c.until(lambda: [row[3] for row in c.rows()] == ["needle"])
        await c.press("enter")
        await c.sees("filter: needle")
        assert isinstance(c.app.focused, Grid)
        await c.press("slash", "escape")
        await c.until(lambda: c.row("sessions", "straw"))
        assert isinstance(c.app.focused, Grid)
        assert not c.main.query_one("LiveView FilterBar", Input).display


async def test_a_filter_that_nothing_matches_says_so(postgres18: PostgresServer) -> None:
    async with console(postgres18.url()) as c:
        await c.press("slash")
        await c.type("zzzz", "enter")
        await c.sees("nothing matches the filter", "filter: zzzz")


async def test_sorting_by_key_and_by_a_click_on_the_header(
    postgres18: PostgresServer, connect: Connect
) -> None:
    for name in ("bbb", "aaa", "ccc"):
        await connect(application=name)
    async with console(postgres18.url()) as c:
        await c.press("i", "slash")
        await c.type("postgres", "enter")
        await c.until(lambda: c.row("sessions", "ccc"))

        def applications() -> list[str]:
            return [row[3] for row in c.rows() if len(row[3]) == 3]

        view = c.main.view("live")
        while view.sort != "application":  # type: ignore[attr-defined]
            await c.press("o")
        await c.until(lambda: applications() == ["ccc", "bbb", "aaa"])
        await c.press("v")
        await c.until(lambda: applications() == ["aaa", "bbb", "ccc"])
        header = next(lane for lane in c.grid().query("Lane") if lane.index == 3)  # type: ignore[attr-defined]
        await c.click(header, 2)
        await c.until(lambda: applications() == ["ccc", "bbb", "aaa"])
        await c.sees("sort: application ↓")


async def test_idle_sessions_and_system_processes_come_and_go_by_key(
    postgres18: PostgresServer, connect: Connect
) -> None:
    await connect(application="sleeper")
    await at_work(connect)
    async with console(postgres18.url()) as c:
        await c.sees("idle hidden")
        assert c.row("sessions", "sleeper") is None
        await c.press("i")
        await c.until(lambda: c.row("sessions", "sleeper"))
        await c.press("B")
        await c.until(
            lambda: c.row("sessions", "LogicalLauncherMain") or c.row("sessions", "CheckpointerMain")
        )
        await c.press("i", "B")
        await c.until(lambda: c.row("sessions", "sleeper") is None)


async def test_the_cursor_stays_on_its_session_while_others_come_and_go(
    postgres18: PostgresServer, connect: Connect
) -> None:
    kept = await connect(application="kept")
    for number in range(3):
        await connect(application=f"other{number}")
    async with console(postgres18.url()) as c:
        await c.press("i")
        await c.go_to_row("kept")
        pid = str(kept.get_server_pid())
        seen = c.main.snapshot
        passing = [await connect(application=f"late{number}") for number in range(3)]
        await kept.execute("select 1")  # its age begins anew: it moves to the other end
        await c.until(lambda: c.row("sessions", "late2"))
        assert c.main.snapshot is not seen
        assert (c.grid().cursor_key or "").split("/")[0] == pid
        for other in passing:
            await other.close()
        await c.until(lambda: c.row("sessions", "late2") is None)
        assert (c.grid().cursor_key or "").split("/")[0] == pid


async def test_pause_stops_the_samples_and_refresh_takes_one(postgres18: PostgresServer) -> None:
    async with console(postgres18.url()) as c:
        await c.press("p")
        await c.sees("PAUSED")
        taken = c.main.snapshot.activity.taken_at if c.main.snapshot else None
        await c.press("r")
        await c.until(lambda: c.main.snapshot and c.main.snapshot.activity.taken_at != taken)
        await c.sees("PAUSED")
        await c.press("p")
        await c.sees_no_more("PAUSED")


async def test_the_interval_is_changed_by_keys(postgres18: PostgresServer) -> None:
    async with console(postgres18.url(), interval=2.0) as c:
        await c.press("plus")
        await c.sees("every 1 s")
        await c.press("minus", "minus")
        await c.sees("every 4 s")


async def test_zoom_gives_one_box_the_screen_until_another_pane_is_wanted(postgres18: PostgresServer) -> None:
    async with console(postgres18.url()) as c:
        await c.press("z")
        await c.sees_no_more("Live", "READ-ONLY")
        assert "Sessions" in c.shown()
        await c.press("z")
        await c.sees("READ-ONLY")
        await c.press("z", "7")
        await c.sees("Verdicts", "READ-ONLY")


async def test_the_tree_is_toggled_and_hides_again(postgres18: PostgresServer) -> None:
    async with console(postgres18.url()) as c:
        await c.press("b")
        await c.sees("Objects", "Sessions")
        await c.press("b")
        await c.sees_no_more("Objects")
        assert c.app.focused is c.grid()


async def test_q_leaves_with_zero(postgres18: PostgresServer) -> None:
    async with console(postgres18.url()) as c:
        await c.press("q")
        await c.until(lambda: not c.app.is_running)
        assert c.app.failure == ""
        assert (c.app.return_code or 0) == 0
