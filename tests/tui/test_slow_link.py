"""A link that takes what is sent in bursts: the console samples less often, says so, and goes back."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest

from tests.servers.postgres import PostgresServer
from tests.tui.recorded import NOW, SESSIONS, SNAPSHOT, recorded
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


async def test_the_ages_of_the_session_below_are_told_less_often() -> None:
    older = tuple(replace(s, transaction_age=s.transaction_age and s.transaction_age + 1) for s in SESSIONS)
    activity = SNAPSHOT.activity.value
    assert activity is not None

    async with recorded((120, 40), slow_link=True) as c:
        await c.press("j")
        await c.sees("transaction open 00:01:15")
        for later, told in ((1, "00:01:15"), (6, "00:01:16")):
            section = replace(SNAPSHOT.activity, value=replace(activity, sessions=older))
            c.main.snapshot = replace(SNAPSHOT, at=NOW + later, activity=section)
            await c.still()
            assert f"transaction open {told}" in c.shown()


@pytest.mark.slow
def test_samples_are_fewer_while_the_link_is_slow(postgres18: PostgresServer) -> None:
    with run_in_terminal("-m", "dbtui", postgres18.url(), "--interval", "0.5", columns=200) as terminal:
        assert comes(terminal, b"q/s")
        assert comes(terminal, b"slow: every", PAUSE)
        assert comes(terminal, b"q/s")
