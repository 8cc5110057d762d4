"""Small demos: they share one cache of rows, and are asked through psql as any of their roles."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from dbtui.demo import Demo
from dbtui.engines.postgres.embedded import clean_environment

SMALL = 0.02
ANCHOR = date(2026, 1, 5)


def small(**options: object) -> Demo:
    """A demo that starts quickly, and without a load unless asked for."""
    wanted: dict[str, object] = {"seed_scale": SMALL, "anchor": ANCHOR, "workload": False}
    return Demo(**wanted | options)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def shared_cache(clean_home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


@pytest.fixture(scope="module")
def quiet(cache: Path) -> Iterator[Demo]:
    """A demo on which nothing runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        demo = small()
        demo.start()
    yield demo
    demo.stop()


@pytest.fixture(scope="module")
def busy(cache: Path) -> Iterator[Demo]:
    """A demo with its workload."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        demo = small(workload=True)
        demo.start()
    yield demo
    demo.stop()


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that new demos are made in; its path has room for the name of a socket."""
    folder = Path(tempfile.mkdtemp(prefix="dbtui-tmp-"))
    folder.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder)


def psql(demo: Demo, sql: str, role: str = "postgres") -> str:
    """The unaligned rows of one or more statements."""
    programs = Path(os.readlink(f"/proc/{demo.processes()['server']}/exe")).parent
    done = subprocess.run(
        [programs / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", demo.url(role), "-c", sql],
        capture_output=True,
        text=True,
        env=clean_environment(),
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


def eventually(is_so: Callable[[], object], seconds: float = 30.0) -> bool:
    """Whether it becomes so before it is long enough to call it broken."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.1)
    return False


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def backends(demo: Demo) -> list[int]:
    """The pids of all server processes."""
    server = demo.processes()["server"]
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return [server, *map(int, children)]
