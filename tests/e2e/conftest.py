"""Everything here needs a terminal."""

from __future__ import annotations

import shutil

import pytest

from tests.servers.places import missing


@pytest.fixture(autouse=True)
def tmux() -> None:
    """Skip without tmux; its own locale, since a server in the C locale draws no box."""
    if shutil.which("tmux") is None:
        missing("tmux", "no tmux: install it for the tests in a real terminal")
