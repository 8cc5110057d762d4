"""The user's own editor, opened from the console's: what it is given, what comes back, and what is left of it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, eventually
from tests.servers.postgres import PostgresServer
from tests.servers.process import send

pytestmark = pytest.mark.e2e


@pytest.fixture
def editor(tmp_path: Path) -> Path:
    """An editor that notes what it was given, waits until a line is typed, and appends that line."""
    script = tmp_path / "editor"
    script.write_text(
        f"""#!/bin/sh
stat -c '%a %n' "$1" > '{tmp_path}/given'; cat "$1" >> '{tmp_path}/given'; touch "$1~"
echo >> '{tmp_path}/runs'; echo "EDITING $(wc -l < '{tmp_path}/runs')"; read -r line
echo "$line" >> "$1"; exit ${{line##*[!0-9]}}
"""
    )
    script.chmod(0o755)
    return script


def opened(terminal: Terminal) -> None:
    terminal.sees("Sessions", " ago")
    terminal.press("4")
    terminal.sees("─ SQL", "^t $EDITOR")
    terminal.press("-l", "select 'first' as a")
    terminal.sees("select 'first' as a")
    terminal.press("C-t")
    terminal.sees("EDITING 1")


def test_a_text_goes_to_the_editor_and_comes_back(
    postgres18: PostgresServer, editor: Path, tmp_path: Path
) -> None:
    with Terminal(postgres18.url(), env={"EDITOR": str(editor), "VISUAL": ""}) as terminal:
        opened(terminal)
        facts, text = (tmp_path / "given").read_text().split("\n", 1)
        mode, name = facts.split(" ", 1)
        assert (mode, text) == ("600", "select 'first' as a")
        assert terminal.facts("alternate_on", "mouse_any_flag") == ["0", "0"]
        terminal.press("C-c")  # interrupts the editor, and nothing else
        terminal.sees("the text is as it was", "select 'first' as a")
        terminal.press("C-t")
        terminal.sees("EDITING 2")
        terminal.press("-l", ", 'second' as b -- 0")
        terminal.press("Enter")
        terminal.sees("─ SQL", "select 'first' as a, 'second' as b -- 0", "^r Run")
        assert not Path(name).parent.exists()
        terminal.press("C-z")  # can be undone
        assert eventually(lambda: "second" not in terminal.shown())
        terminal.press("C-t")
        terminal.sees("EDITING 3")
        terminal.press("-l", " -- 3")
        terminal.press("Enter")
        terminal.sees("ended with code 3: the text is as it was", "select 'first' as a")
        terminal.press("C-q")
        assert terminal.code() == 0
        terminal.assert_restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_leaving_while_the_editor_is_open_leaves_nothing(
    postgres18: PostgresServer, editor: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with Terminal(postgres18.url(), env={"VISUAL": str(editor)}) as terminal:
        opened(terminal)
        name = (tmp_path / "given").read_text().partition("\n")[0].partition(" ")[2]
        send([terminal.pid], number)
        assert terminal.code() == 128 + number
        terminal.assert_restored()
    assert not Path(name).parent.exists()


def test_an_editor_that_is_not_there_is_told(postgres18: PostgresServer) -> None:
    with Terminal(postgres18.url(), env={"VISUAL": "/nowhere/ed --wait"}) as terminal:
        terminal.sees("Sessions", " ago")
        terminal.press("4")
        terminal.sees("─ SQL", "^t $EDITOR")
        terminal.press("C-t")
        terminal.sees("cannot be run", "the text is as it was", "─ SQL")
