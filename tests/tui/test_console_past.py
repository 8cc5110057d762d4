"""The past in the console: scrubbed, saved when it ends, replayed; logs in the place of a server; the note."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtui.commands import replay
from dbtui.live import histories
from dbtui.live.insight import at_work
from dbtui.live.stand_in import StandIn, of_log, of_recording
from dbtui.model.activity import Statement, Statements
from dbtui.model.server import Server
from dbtui.tui.app import DbtuiApp, Options
from tests.servers.postgres import PostgresServer
from tests.tui.conftest import Connect
from tests.tui.console import Console, console

BACK, ON = "left_square_bracket", "right_square_bracket"


async def test_the_past_is_shown_and_left(
    postgres18: PostgresServer, connect: Connect, clean_home: Path
) -> None:
    busy = await connect(application="early bird")
    async with console(postgres18.url(), interval=0.25, size=(160, 40)) as c:
        await busy.execute("begin")
        await c.sees("early bird")
        await c.until(lambda: len(c.main.session.tape) > 6)
        await busy.close()
        await c.until(lambda: "early bird" not in c.shown())
        await c.press(BACK)
        await c.sees("back")
        for _ in range(40):
            if "early bird" in c.shown():
                break
            await c.press(BACK)
        assert "early bird" in c.shown()
        await c.go_to_row("early bird", "sessions")
        await c.press("x")
        await c.hears("this is the past")
        await c.press("escape")
        await c.sees_no_more("early bird")
        await c.press("H")
        await c.hears("the incident note is in the clipboard")
        assert "# Incident note" in c.app.clipboard
        c.app.save_histories()
    tape = histories.opened(histories.newest())
    assert tape.header.engine == "postgres" and len(tape) > 6


async def shown_in(what: StandIn, size: tuple[int, int] = (120, 40)) -> str:
    app = DbtuiApp(None, Options(), what)
    async with app.run_test(size=size) as pilot:
        c = Console(app, pilot)
        await c.opened()
        await c.still()
        return c.shown()


async def test_a_history_is_replayed(postgres18: PostgresServer, connect: Connect, clean_home: Path) -> None:
    busy = await connect(application="night owl")
    await busy.execute("begin")
    async with console(postgres18.url(), interval=0.25) as c:
        await c.until(lambda: len(c.main.session.tape) > 4)
        c.app.save_histories()
    tape = histories.opened(histories.newest())
    said = await shown_in(of_recording(tape, len(tape) - 1))
    assert "replay" in said and "the end" in said and "night owl" in said


async def test_a_log_in_the_place_of_a_server(clean_home: Path) -> None:
    rows = Statements((Statement("1", "1", "shop", "joe", "SELECT marmalade", 3, 42.0),), "mysql-slow")
    server = Server("mysql-slow", "", 0, "", "slow.log", "", "")
    said = await shown_in(of_log("slow.log", "mysql", server, lambda: rows))
    assert "SELECT marmalade" in said and "100.0 %" in said and "mysql-slow" in said


def seen_at_work(c: Console) -> set[str]:
    """The applications that the newest sample saw at work."""
    activity = c.main.snapshot.activity.value if c.main.snapshot else None
    return {session.application for session in at_work(activity.sessions)} if activity else set()


async def test_statements_by_whom(postgres18: PostgresServer, connect: Connect) -> None:
    database = postgres18.create_database()
    postgres18.psql("create extension pg_stat_statements; select pg_stat_statements_reset()", database)
    busy = await connect(database=database, application="checkout")
    async with console(postgres18.url(database), interval=0.25, size=(160, 40)) as c:
        await c.press("2", "d", "d")
        while "checkout" not in seen_at_work(c):  # until a sample has seen it
            await busy.fetch("select count(*) from generate_series(1, 1000), pg_sleep(0.6)")
        await c.sees("since the reset", "generate_series")
        await c.press("w")
        await c.sees("by user", "postgres ·")
        await c.press("w")
        await c.sees("by application", "checkout", "seen in samples")
        await c.press("w", "w")
        await c.sees("by database", f"{database} ·")
        await c.press("enter")
        await c.sees(f"filter: {database}", "generate_series")


def test_where_a_replay_begins(tmp_path: Path) -> None:
    import argparse
    import time

    from dbtui.errors import UsageError
    from dbtui.live.recorder import Recorder, RecordingFile
    from tests.live.snapshots import HEADER, NOW, session, snapshot

    recorder = Recorder(HEADER)
    recorder.file = RecordingFile(tmp_path / "r.dbtui", HEADER)
    for n in range(300):
        recorder.take(snapshot(n * 2, session("1", query_age=float(n))))
    recorder.file.close()
    parser = argparse.ArgumentParser()
    replay.add_arguments(parser)
    opened: list[StandIn] = []

    def start(*words: str) -> int:
        opened.clear()
        replay.run(parser.parse_args(words), lambda _none, what: opened.append(what) or 0)  # type: ignore[func-returns-value]
        assert opened[0].recording is not None
        return opened[0].recording[1]

    file = str(tmp_path / "r.dbtui")
    assert start(file) == 0
    assert start(file, "--at", time.strftime("%H:%M:%S", time.localtime(NOW + 101))) == 50
    for words in (
        (file, "--at", time.strftime("%H:%M", time.localtime(NOW - 7200))),
        (file, "--at", "noon"),
        (),
    ):
        with pytest.raises(UsageError):
            start(*words)
