"""The demo's other servers: found, started beside the shop, looked at, and gone with it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from dbtui import config
from dbtui.demo import Demo
from dbtui.engines import create
from tests.demo.conftest import alive, eventually, small


@pytest.fixture
def nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what came with pip is found."""
    monkeypatch.setenv("DBTUI_TEST_SERVERS", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


async def products(demo: Demo) -> dict[str, str]:
    found = {}
    for target in demo.neighbours:
        engine = create(target)
        try:
            found[target.name] = (await engine.open()).product
        finally:
            await engine.close()
    return found


async def test_a_cache_and_a_file_are_always_there_and_the_rest_is_told_of(nothing_fetched: None) -> None:
    said: list[str] = []
    with small(neighbours=True, progress=said.append) as _:
        pass
    demo = small(neighbours=True)
    demo.start()
    try:
        assert eventually(lambda: {"cache-load", "till-load"} <= demo.processes().keys())
        assert demo.folder is not None
        assert eventually((demo.folder / "till" / "till.db").exists)
        found = await products(demo)
        assert found["demo-cache"] == "Valkey"
        assert found["demo-till"] == "SQLite"
        config.announce(demo.neighbours)
        assert {"demo-cache", "demo-till"} <= {candidate.target.name for candidate in config.discover()[0]}
        pids = list(demo.processes().values())
    finally:
        config.announce(())
        demo.stop()
    told = [line for line in said if "OpenSearch" in line]
    assert len(told) == 1
    assert "make servers" in told[0]
    assert not demo.folder.exists()
    assert not [pid for pid in pids if alive(pid)]


def test_a_killed_guardian_leaves_none_of_them(nothing_fetched: None) -> None:
    demo = small(neighbours=True)
    demo.start()
    assert eventually(lambda: {"cache-load", "till-load"} <= demo.processes().keys())
    processes = demo.processes()
    os.kill(processes["guardian"], signal.SIGKILL)
    try:
        assert eventually(lambda: not [pid for pid in processes.values() if alive(pid)])
    finally:
        demo.stop()


@pytest.mark.slow
async def test_all_that_make_servers_fetched_run_beside_the_shop() -> None:
    demo = small(neighbours=True)
    demo.start()
    try:
        expected = {f"{target.name.removeprefix('demo-')}-load" for target in demo.neighbours}
        assert eventually(lambda: expected <= demo.processes().keys(), 120)
        found = await products(demo)
        assert all(found.values())
    finally:
        demo.stop()
