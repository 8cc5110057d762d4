"""The program as a person starts it: in a terminal, with a URL, until it is left or torn away."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path

import pytest

from dbtui import __version__
from tests.e2e.terminal import Terminal, eventually
from tests.servers.postgres import PostgresServer
from tests.servers.process import free_port, send
from tests.tui.console import audit_lines

pytestmark = pytest.mark.e2e
SESSIONS = "select count(*) from pg_stat_activity where application_name = 'dbtui'"


def nobody_left(server: PostgresServer) -> bool:
    return eventually(lambda: server.psql(SESSIONS) == "0")


def gone(pid: int) -> bool:
    return eventually(lambda: not Path(f"/proc/{pid}").exists())


@pytest.mark.parametrize(("columns", "lines"), [(120, 40), (80, 24), (40, 24)])
def test_it_shows_data_changes_panes_and_leaves(postgres18: PostgresServer, columns: int, lines: int) -> None:
    with Terminal(postgres18.url(), columns=columns, lines=lines) as terminal:
        terminal.sees("Sessions", "1 Li", " ago" if columns > 100 else " s/")
        assert terminal.facts("alternate_on") == ["1"]
        for key, word in (("2", "Statements"), ("3", "Objects"), ("6", "Findings"), ("1", "Sessions")):
            terminal.press(key)
            terminal.sees(word)
        terminal.press("q")
        assert terminal.code() == 0
        assert terminal.said() == []
        terminal.assert_restored()
    assert nobody_left(postgres18)


def test_the_mouse_works_in_a_terminal(postgres18: PostgresServer) -> None:
    with Terminal(postgres18.url()) as terminal:
        terminal.sees("Sessions")
        column = terminal.shown().splitlines()[1].index("Migrate") + 2
        for end in "Mm":
            terminal.press("-l", f"\x1b[<0;{column};2{end}")
        terminal.sees("Verdicts")


def _listener() -> socket.socket:
    """Accepts, and never answers."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening


SECRET = "geheim-4711"


def _unreachable(kind: str, server: PostgresServer, silent: socket.socket) -> tuple[str, str]:
    """A URL that ends in trouble, and what is said about it."""
    at = f"postgresql://postgres:{SECRET}@127.0.0.1"
    ways = {
        "password": (f"{at}:{server.port}/postgres", "refused user postgres or its password"),
        "host": (f"postgresql://me:{SECRET}@nowhere.invalid/x", "nowhere.invalid"),
        "port": (f"{at}:{free_port()}/x", "nothing listens at"),
        "tls": (server.url(tcp=True, sslmode="require"), "speaks no TLS"),
        "silence": (f"{at}:{silent.getsockname()[1]}/x?connect_timeout=2", "does not answer"),
        "database": (server.url("no_such_db"), "there is no database no_such_db"),
        "scheme": (f"oracle://me:{SECRET}@db/x", "oracle"),
    }
    return ways[kind]


@pytest.mark.parametrize("kind", ["password", "host", "port", "tls", "silence", "database", "scheme"])
def test_a_connection_that_cannot_be_had_ends_with_two_and_one_line(
    postgres18: PostgresServer, kind: str
) -> None:
    with _listener() as silent:
        url, said = _unreachable(kind, postgres18, silent)
        with Terminal(url, columns=220) as terminal:
            assert terminal.code() == 2
            (line,) = terminal.said()
            assert line.startswith("dbtui: ")
            assert said in line
            assert SECRET not in line
            assert f":{postgres18.password}@" not in line
            terminal.assert_restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_as_q_does(postgres18: PostgresServer, number: signal.Signals) -> None:
    with Terminal(postgres18.url()) as terminal:
        terminal.sees("Sessions", " ago")
        terminal.press("4")
        terminal.sees("─ SQL", "^r Run")
        terminal.press("-l", "select pg_sleep(600)")
        terminal.sees("select pg_sleep(600)")
        terminal.press("C-r")
        terminal.sees("running")
        pid = terminal.pid
        send([pid], number)
        assert terminal.code() == 128 + number
        assert terminal.said() == []
        terminal.assert_restored()
        assert gone(pid)
    assert nobody_left(postgres18)


def test_a_terminal_that_is_torn_away_leaves_nothing(postgres18: PostgresServer) -> None:
    with Terminal(postgres18.url()) as terminal:
        terminal.sees("Sessions", " ago")
        terminal.press("L")
        terminal.sees("Lift read-only", "reason (required)")
        for word in ("why", "10"):
            terminal.press("-l", word)
            terminal.sees(f"  {word} ")
            field = terminal.facts("cursor_y")  # before there is a word, the cursor may not have come yet
            terminal.press("Enter")
            terminal.moves_from(field)
        terminal.press("-l", terminal_name(postgres18))
        terminal.press("Enter")
        terminal.sees("LIFTED")
        pid = terminal.pid
        terminal.close()
        assert gone(pid)
    assert nobody_left(postgres18)
    assert [line["result"] for line in audit_lines()] == ["lifted", "dropped"]


def terminal_name(server: PostgresServer) -> str:
    """The name that a URL gives its connection, which a lift asks for."""
    from dbtui.config import resolve

    return resolve(server.url()).name


def test_a_password_in_the_url_is_in_no_list_of_processes(postgres18: PostgresServer) -> None:
    with Terminal(postgres18.url(tcp=True)) as terminal:
        terminal.sees("Sessions", " ago")
        pid = terminal.pid
        assert b"dbtui" in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert postgres18.password.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert postgres18.password not in terminal.shown()
        terminal.press("q")
        assert terminal.code() == 0


def test_a_stalled_server_does_not_keep_anyone(postgres18: PostgresServer) -> None:
    with Terminal(postgres18.url()) as terminal:
        terminal.sees("Sessions", " ago")
        with postgres18.stalled():
            terminal.press("q")
            assert terminal.code() == 0
            terminal.assert_restored()
    assert nobody_left(postgres18)


def test_the_picker_without_a_server(postgres18: PostgresServer) -> None:
    with Terminal(env={"DATABASE_URL": postgres18.url()}) as terminal:
        terminal.sees("Connections", "DATABASE_URL")
        terminal.press("Enter")
        terminal.sees("Sessions", " ago")
        terminal.press("q")
        assert terminal.code() == 0


def test_no_colour_and_ascii_only(postgres18: PostgresServer) -> None:
    with Terminal(postgres18.url(), "--ascii", "--slow-link", env={"NO_COLOR": "1"}) as terminal:
        terminal.sees("Sessions", " ago")
        assert all(ord(character) < 128 for character in terminal.shown())
        terminal.press("q")
        assert terminal.code() == 0


def test_version_and_help() -> None:
    with Terminal("--version") as terminal:
        terminal.sees(f"dbtui {__version__}", "back at the prompt")
        assert terminal.code() == 0
    with Terminal("--help", lines=60) as terminal:
        terminal.sees("examples:", "dbtui demo", "Exit codes", "back at the prompt")
        assert terminal.code() == 0


def test_the_demo_starts_shows_and_leaves_nothing(tmp_path: Path) -> None:
    with Terminal("demo", "--scale", "0.02", env={"TMPDIR": "/tmp"}) as terminal:
        terminal.sees("Sessions", "development", " ago")
        terminal.press("3")
        terminal.sees("shop")
        pid = terminal.pid
        terminal.press("q")
        assert terminal.code() == 0
        terminal.assert_restored()
        assert gone(pid)
    assert eventually(lambda: not _demos(), 30)


def _demos() -> list[str]:
    """Processes of demos that this run of the tests began."""
    mark, found = os.environ["DBTUI_TEST_RUN"].encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if b"dbtui-demo" in command and mark in (entry / "environ").read_bytes():
                found.append(command.decode(errors="replace"))
    return found
