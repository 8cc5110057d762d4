"""Tapes in memory and in files: caps, torn ends, damage, other versions, two readers."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.errors import InputError
from dbtui.live import tape as module
from dbtui.live.recorder import Recorder
from dbtui.live.tape import Header, Member, Tape, packed, read
from tests.live.snapshots import HEADER, NOW, session, snapshot


def recorded(count: int, step: float = 2.0, **more: float) -> Tape:
    recorder = Recorder(HEADER, span=more.get("span"), cap=None)
    for n in range(count):
        recorder.take(snapshot(n * step, session("1", query_age=float(n))))
    return recorder.tape


def data_of(tape: Tape) -> bytes:
    return tape.header.member() + b"".join(member.data for member in tape.members)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "one.dbtui"


def test_any_moment_in_any_order() -> None:
    tape = recorded(80)
    for index in (79, 0, 40, 41, 39, 79):
        assert tape.snapshot(index) == snapshot(index * 2, session("1", query_age=float(index)))
    assert tape.before(NOW + 10) == 4 and tape.after(NOW + 10) == 6
    assert tape.before(NOW) is None and tape.after(NOW + 158) is None
    assert [tape.index_at(NOW + s) for s in (-1, 0, 3, 9_999)] == [0, 0, 1, 79]


def test_half_an_hour_is_kept_and_little_more() -> None:
    tape = recorded(1_200, span=600.0)
    assert 600 <= tape.times[-1] - tape.times[0] <= 660
    assert tape.members[0].whole and tape.size == sum(len(m.data) for m in tape.members)
    assert tape.snapshot(0).at == tape.times[0]


def test_the_cap_in_bytes_holds() -> None:
    recorder = Recorder(HEADER, span=None, cap=40_000)
    for n in range(400):
        recorder.take(snapshot(n, *(session(f"{n}-{i}", f"select {i * n}") for i in range(40))))
        assert recorder.tape.size < 40_000 * 1.25
    assert len(recorder.tape) < 400 and recorder.tape.members[0].whole


def test_a_clock_that_is_set_back_disturbs_no_order() -> None:
    recorder = Recorder(HEADER)
    for second in (0, 2, -500, -498, 4):
        recorder.take(snapshot(second, session("1")))
    assert list(recorder.tape.times) == sorted(recorder.tape.times)
    assert recorder.tape.snapshot(2).at == NOW - 500


def test_a_file_is_read_as_it_was_written(file: Path) -> None:
    tape = recorded(50)
    file.write_bytes(data_of(tape))
    again = read(file)
    assert again.header == HEADER and again.note == "" and len(again) == 50
    assert [again.snapshot(n) for n in (0, 49)] == [tape.snapshot(n) for n in (0, 49)]
    lines = gzip.decompress(file.read_bytes()).splitlines()  # any program that knows gzip reads it
    assert len(lines) == 51 and json.loads(lines[0])["format"] == "dbtui-recording"


@given(cut=st.integers(1, 4_000))
def test_a_torn_end_loses_the_last_interval_only(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("torn") / "r.dbtui"
    tape = recorded(12)
    whole = data_of(tape)
    path.write_bytes(whole[: max(len(tape.header.member()) + 1, len(whole) - cut)])
    kept = path.stat().st_size - len(tape.header.member())
    complete = 0
    for member in tape.members:
        kept -= len(member.data)
        complete += kept >= 0
    if complete:
        assert len(read(path)) == complete
    else:
        with pytest.raises(InputError, match="no sample"):
            read(path)


def test_damage_in_the_middle_is_left_out_and_said(file: Path) -> None:
    tape = recorded(120)
    data = bytearray(data_of(tape))
    middle = len(data) // 3
    data[middle : middle + 40] = b"\0" * 40
    file.write_bytes(data)
    again = read(file)
    assert "damaged" in again.note and 60 <= len(again) < 120
    assert again.snapshot(len(again) - 1) == tape.snapshot(119)


def test_newer_and_too_new(file: Path) -> None:
    body = b"".join(m.data for m in recorded(3).members)
    said = {"format": "dbtui-recording", "version": 7, "engine": "postgres", "server": "s", "started": NOW}
    file.write_bytes(packed(json.dumps(said | {"hue": [1]}).encode()) + body)
    assert "newer" in read(file).note
    file.write_bytes(packed(json.dumps(said | {"needs": 7}).encode()) + body)
    with pytest.raises(InputError, match="needs a newer dbtui"):
        read(file)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"hello", packed(b"[]"), packed(b"{}"), packed(b'{"format": "dbtui-recording"}'),
        HEADER.member(), HEADER.member() + packed(b'{"at": "noon"}'), HEADER.member() + b"\x1f\x8b\x08" * 3_000,
    ],
    ids=["nothing", "words", "list", "empty", "nameless", "header", "no-time", "torn"],
)  # fmt: skip
def test_what_is_no_recording_is_refused(data: bytes, file: Path) -> None:
    file.write_bytes(data)
    with pytest.raises(InputError):
        read(file)


def test_a_line_that_unpacks_to_gigabytes_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LINE", 1 << 16)
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = bomb.compress(b"\0" * (8 << 20)) + bomb.flush()
    file.write_bytes(HEADER.member() + data)
    with pytest.raises(InputError, match="longer than"):
        read(file)
    with pytest.raises(InputError, match="longer than"):
        Tape(HEADER, _members=[Member(NOW, True, data)], _times=[NOW]).snapshot(0)


@given(data=st.binary(max_size=600))
def test_no_bytes_break_the_reader(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("any") / "r.dbtui"
    path.write_bytes(data_of(recorded(2)) + data)
    try:
        assert len(read(path)) >= 2
    except InputError:
        return


def test_readers_of_a_file_that_grows(file: Path) -> None:
    tape = recorded(9)
    with file.open("wb") as growing:
        growing.write(tape.header.member() + b"".join(m.data for m in tape.members[:6]))
        growing.write(tape.members[6].data[:20])
        growing.flush()
        one, other = read(file), read(file)
        assert len(one) == len(other) == 6 and "torn" in one.note
        growing.write(tape.members[6].data[20:])
        growing.flush()
        assert len(read(file)) == 7
    assert one.snapshot(5) == other.snapshot(5)


def test_a_header_says_what_it_is() -> None:
    said = json.loads(gzip.decompress(Header("mysql", "db", 1.0).member()))
    assert {"format", "version", "engine", "server", "started"} <= said.keys()
