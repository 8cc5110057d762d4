"""A link that takes what is sent in bursts: the console samples less often, says so, and goes back."""

from __future__ import annotations

import os
import time

import pytest

from tests.servers.postgres import PostgresServer
from tests.tui.terminal import Terminal, run_in_terminal

PATIENCE = 60.0  # seconds
PAUSE = 1.0  # seconds in which nothing is taken; a changed pane is more than a terminal holds meanwhile


def comes(terminal: Terminal, word: bytes, pause: float = 0.0) -> bool:
    """Whether a text is sent in time, while panes change and the link pauses before each burst."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if pause:
            os.write(terminal.fd, b"21")
            time.sleep(pause)
        if word in terminal.read(quiet=0.1, limit=2.0):
            return True
    return False


@pytest.mark.slow
def test_samples_are_fewer_while_the_link_is_slow(postgres18: PostgresServer) -> None:
    with run_in_terminal("-m", "dbtui", postgres18.url(), "--interval", "0.5", columns=200) as terminal:
        assert comes(terminal, b"q/s")
        assert comes(terminal, b"slow: every", PAUSE)
        assert comes(terminal, b"q/s")
