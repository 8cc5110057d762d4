"""What is kept while it happens: files that grow, disks that fill, histories in the state folder."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dbtui import policy
from dbtui.errors import InputError, UsageError
from dbtui.live import histories
from dbtui.live.recorder import Recorder, RecordingFile
from dbtui.live.tape import read
from tests.live.snapshots import HEADER, NOW, session, snapshot


def recorder(count: int = 5) -> Recorder:
    made = Recorder(HEADER)
    for n in range(count):
        made.take(snapshot(n, session("1", query_age=float(n))))
    return made


def test_a_recording_is_private_and_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.dbtui"
    path.touch()
    with pytest.raises(UsageError, match="there already"):
        RecordingFile(path, HEADER)
    path.unlink()
    RecordingFile(path, HEADER).close()
    assert path.stat().st_mode & 0o777 == 0o600
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError):
        RecordingFile(path, HEADER)


def test_every_sample_is_in_the_file_at_once(tmp_path: Path) -> None:
    made = recorder(0)
    made.file = RecordingFile(tmp_path / "r.dbtui", HEADER)
    for n in range(7):
        made.take(snapshot(n, session("1", query_age=float(n))))
        assert len(read(made.file.path)) == n + 1  # so a kill -9 loses what comes after
    made.file.close()


_FULL = """
import resource, sys
from pathlib import Path
from dbtui.live.recorder import Recorder, RecordingFile
from tests.live.snapshots import HEADER, session, snapshot
own = Recorder(HEADER)
own.file = RecordingFile(Path(sys.argv[1]), HEADER)
for n in range(30):
    if n == 5:
        resource.setrlimit(resource.RLIMIT_FSIZE, (own.file.size + 300, -1))
    if n == 20:
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    own.take(snapshot(n, session("1", query_age=float(n))))
    if n == 10:
        print(own.file.trouble)
own.file.close()
print(own.file.lost)
"""


def test_a_disk_that_is_full_loses_only_what_it_has_no_room_for(tmp_path: Path) -> None:
    path = tmp_path / "r.dbtui"
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(path)], capture_output=True, text=True, cwd=Path(__file__).parents[2],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    trouble, lost = done.stdout.splitlines()
    assert "samples lost" in trouble
    tape = read(path)
    assert tape.note == "" and len(tape) + int(lost) == 30 and 10 <= int(lost) <= 15
    assert tape.snapshot(len(tape) - 1) == snapshot(29, session("1", query_age=29.0))
    assert tape.snapshot(3) == snapshot(3, session("1", query_age=3.0))


def test_a_history_is_saved_and_found(clean_home: Path) -> None:
    with pytest.raises(InputError, match="no history is saved"):
        histories.newest()
    tape = recorder().tape
    first = histories.save(tape)
    assert first is not None and first.stat().st_mode & 0o777 == 0o600
    assert histories.folder().stat().st_mode & 0o777 == 0o700
    other = recorder(9).tape
    second = histories.save(other)
    assert second is not None and second != first
    os.utime(first, (time.time() - 60, time.time() - 60))
    assert histories.newest() == second
    again = histories.opened(second, now=NOW)
    assert [again.snapshot(n) for n in range(9)] == [other.snapshot(n) for n in range(9)]


def test_nothing_is_saved_of_nothing_or_against_the_policy(
    clean_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert histories.save(recorder(0).tape) is None
    forbidden = policy.Policy(forbidden=frozenset({policy.Feature.RECORDING}))
    monkeypatch.setattr(policy, "current", lambda: forbidden)
    assert histories.save(recorder().tape) is None
    assert not histories.folder().exists()


def test_histories_expire(clean_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = [histories.save(recorder(n).tape) for n in (2, 3, 4)]
    paths = [path for path in saved if path is not None]
    assert len(paths) == 3
    old = time.time() - histories.KEEP - 60
    os.utime(paths[0], (old, old))
    histories.prune()
    assert not paths[0].exists() and paths[1].exists()
    monkeypatch.setattr(histories, "MOST", 1)
    histories.prune()
    assert sum(path.exists() for path in paths) == 1


def test_an_expired_recording_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "r.dbtui"
    header = replace(HEADER, expires=NOW + 100)
    made = recorder(0)
    made.file = RecordingFile(path, header)
    made.take(snapshot(0, session("1")))
    made.file.close()
    assert len(histories.opened(path, now=NOW + 99)) == 1
    with pytest.raises(InputError, match="expired"):
        histories.opened(path, now=NOW + 101)
    with pytest.raises(InputError, match="cannot be read"):
        histories.opened(tmp_path / "none", now=NOW)


def test_what_nobody_answered_is_not_kept() -> None:
    made = Recorder(HEADER)
    made.take(replace(snapshot(0), server=None, activity=replace(snapshot(0).activity, value=None)))
    assert len(made.tape) == 0
