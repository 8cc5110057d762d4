"""`dbtui record` on a real server: for a while, killed in the middle, refused."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from dbtui.live.tape import Tape, read
from tests.servers.postgres import PostgresServer


def _record(*words: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "dbtui", "record", *words]
    return subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)


def _samples(path: Path, at_least: int) -> Tape:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if path.exists() and path.stat().st_size > 2_000 and len(tape := read(path)) >= at_least:
            return tape
        time.sleep(0.05)
    raise AssertionError("it never recorded")


def test_it_records_until_it_is_interrupted(postgres18: PostgresServer, tmp_path: Path) -> None:
    path = tmp_path / "r.dbtui"
    process = _record(postgres18.url(), "-o", str(path), "--interval", "0.1")
    _samples(path, 5)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[1]
    assert process.returncode == 0 and "samples in" in said and "dbtui replay" in said
    tape = read(path)
    assert tape.note == "" and tape.header.expires is not None and not tape.header.literals
    last = tape.snapshot(len(tape) - 1)
    assert last.server is not None and last.server.product == "PostgreSQL"
    again = _record(postgres18.url(), "-o", str(path))
    assert again.communicate(timeout=20)[1].startswith("dbtui: ") and again.returncode == 2


def test_a_kill_loses_the_last_interval_at_most(postgres18: PostgresServer, tmp_path: Path) -> None:
    path = tmp_path / "r.dbtui"
    process = _record(postgres18.url(), "-o", str(path), "--interval", "0.1", "--with-literals")
    before = len(_samples(path, 4))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    tape = read(path)
    assert len(tape) >= before and tape.header.literals
    assert tape.snapshot(len(tape) - 1).activity.value is not None


def test_a_time_and_a_server_that_refuses(postgres18: PostgresServer, tmp_path: Path) -> None:
    path = tmp_path / "r.dbtui"
    process = _record(postgres18.url(), "-o", str(path), "--interval", "0.1", "--for", "0.8s")
    assert process.wait(20) == 0 and len(read(path)) > 0
    process.communicate()
    refused = tmp_path / "none.dbtui"
    url = postgres18.url(tcp=True).replace(f":{postgres18.password}@", ":wrong@")
    process = _record(url, "-o", str(refused))
    assert (
        "dbtui: " in process.communicate(timeout=20)[1] and process.returncode == 2 and not refused.exists()
    )


def test_a_file_that_cannot_grow_is_told_once_and_ends_with_one(
    postgres18: PostgresServer, tmp_path: Path
) -> None:
    path = tmp_path / "r.dbtui"
    record = shlex.join([sys.executable, "-m", "dbtui", "record", postgres18.url(), "-o", str(path)])
    limited = f"ulimit -f 12; exec {record} --interval 0.1 --for 3s"  # blocks of 512 bytes
    done = subprocess.run(["/bin/sh", "-c", limited], stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 1 and len(read(path)) > 0
    (trouble, summary) = done.stderr.splitlines()
    assert "File too large, 1 samples lost" in trouble and "samples were lost" in summary
