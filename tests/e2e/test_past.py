"""What is not a server: the half hour that a console leaves behind however it ends, and logs."""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path

import pytest

from dbtui.live import histories
from tests.e2e.terminal import PROGRAM, Terminal, eventually
from tests.servers.postgres import PostgresServer
from tests.servers.process import send

pytestmark = pytest.mark.e2e
ENTRY = """\
# Time: 2026-11-23T09:00:0{n}.000000Z
# User@Host: shop[shop] @ app [10.0.0.7]  Id: 9
# Query_time: 2.5  Lock_time: 0.0 Rows_sent: 3  Rows_examined: 70
SET timestamp=1795424400;
SELECT {what} FROM jars WHERE id = {n};
"""


@pytest.mark.parametrize("end", ["SIGTERM", "SIGHUP", "closed"])
def test_what_was_seen_can_be_replayed(postgres18: PostgresServer, clean_home: Path, end: str) -> None:
    with Terminal(postgres18.url()) as terminal:
        terminal.sees("Sessions", " ago")
        pid = terminal.pid
        if end == "closed":
            terminal.close()
        else:
            send([pid], signal.Signals[end])
        assert _gone(pid)
    _replays_the_last()


def test_what_was_seen_before_a_crash_can_be_replayed(postgres18: PostgresServer, clean_home: Path) -> None:
    with Terminal(postgres18.url(), program=_crashing(clean_home)) as terminal:
        terminal.sees("Sessions", " ago")
        terminal.press("F12")
        assert terminal.code() == 1
        assert any("ZeroDivisionError" in line for line in terminal.said())
        terminal.assert_restored()
    _replays_the_last()


def _crashing(folder: Path) -> str:
    """The console, in which a key finds a fault."""
    script = folder / "crashing.py"
    script.write_text(
        "from dbtui import cli\n"
        "from dbtui.tui.app import DbtuiApp\n"
        "DbtuiApp.key_f12 = lambda _app: 1 / 0\n"
        "cli.entry()\n"
    )
    return shlex.join([sys.executable, str(script)])


def _replays_the_last() -> None:
    (history,) = histories.folder().iterdir()
    assert history.stat().st_mode & 0o777 == 0o600
    with Terminal("replay", "--last") as terminal:
        terminal.sees("replay", "Sessions", "the end")
        terminal.press("q")
        assert terminal.code() == 0


def test_a_log_that_grows(tmp_path: Path) -> None:
    log = tmp_path / "slow.log"
    log.write_text(ENTRY.format(n=1, what="marmalade"))
    with Terminal("logs", str(log), "--follow") as terminal:
        terminal.sees("Statements", "marmalade")
        with log.open("a") as file:
            file.write(ENTRY.format(n=2, what="honey") + ENTRY.format(n=3, what="honey"))
        terminal.sees("honey")
        terminal.press("q")
        assert terminal.code() == 0
        terminal.assert_restored()


def test_a_log_from_a_pipe_takes_its_keys_from_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "slow.log"
    log.write_text(ENTRY.format(n=1, what="marmalade"))
    with Terminal("logs", "-", "--open", program=f"cat {log} | {PROGRAM}") as terminal:
        terminal.sees("Statements", "marmalade")
        terminal.press("/")
        terminal.sees("words that a row must contain")
        terminal.press("-l", "honey")
        terminal.sees("nothing matches the filter")
        terminal.press("Escape")
        terminal.sees("marmalade")
        terminal.press("q")
        assert terminal.code() == 0
        terminal.assert_restored()


def _gone(pid: int) -> bool:
    return eventually(lambda: not Path(f"/proc/{pid}").exists())
