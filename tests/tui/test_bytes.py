"""What the terminal is sent: the point of drawing the table ourselves."""

from __future__ import annotations

from pathlib import Path

from tests.tui.terminal import run_in_terminal

SHOWCASE = str(Path(__file__).with_name("showcase.py"))


def test_a_moment_of_the_live_screen_stays_within_its_budget() -> None:
    """20 rows with 3 changed cells each, 4 charts, their values and the age: measured 4.5 kB."""
    with run_in_terminal(SHOWCASE) as terminal:
        first = terminal.read()
        assert len(first) > 10_000
        sent = sorted(len(terminal.press("t")) for _ in range(5))
    assert 1_000 < sent[2] < 5_200


def test_moving_the_cursor_sends_two_rows() -> None:
    with run_in_terminal(SHOWCASE) as terminal:
        terminal.read()
        sent = len(terminal.press("j"))
    assert 200 < sent < 2_500
