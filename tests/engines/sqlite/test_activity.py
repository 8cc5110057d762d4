"""What is seen of a file that others use: processes, locks, commits, and a WAL that readers keep."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dbtui.engines.sqlite import holders
from dbtui.engines.sqlite.counters import METRICS, Commits
from dbtui.engines.sqlite.engine import SqliteEngine
from dbtui.engines.sqlite.files import Header, WalIndex, parse_header, parse_index
from dbtui.engines.sqlite.holders import Lock, Process, Seen, locks_of, state_of
from dbtui.engines.sqlite.place import place_of
from dbtui.engines.sqlite.sessions import Tracker
from dbtui.model.activity import Activity
from dbtui.model.snapshot import Snapshot
from tests.engines.sqlite.opened import opened
from tests.servers.sqlite import SqliteFile

PENDING, SHARED = 0x40000000, 0x40000002


async def tick(engine: SqliteEngine) -> tuple[Activity, Mapping[str, float]]:
    engine.monitor._look_at = 0.0  # type: ignore[attr-defined]  # search for openers now
    values: Mapping[str, Any] = await engine.monitor.sources[0].fetch(Snapshot(at=0))
    return values["activity"], values["counters"]


@pytest.fixture
def wal(sqlite_file: SqliteFile) -> SqliteFile:
    sqlite_file.sql("PRAGMA journal_mode = wal", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2), (3)")
    return sqlite_file


@pytest.fixture
def rollback(sqlite_file: SqliteFile) -> SqliteFile:
    sqlite_file.sql("PRAGMA journal_mode = delete", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2), (3)")
    return sqlite_file


@pytest.mark.parametrize(
    ("mode", "statements", "state"),
    [
        ("delete", ["SELECT count(*) FROM t"], "idle"),
        ("delete", ["BEGIN", "SELECT * FROM t"], "shared"),
        ("delete", ["BEGIN IMMEDIATE"], "reserved"),
        ("delete", ["BEGIN EXCLUSIVE"], "exclusive"),
        ("wal", ["SELECT count(*) FROM t"], "reading"),  # half read, as the holder leaves it
        ("wal", ["BEGIN", "SELECT * FROM t"], "reading"),
        ("wal", ["BEGIN IMMEDIATE"], "writing"),
    ],
)
async def test_who_holds_the_file_and_how(
    sqlite_file: SqliteFile, mode: str, statements: list[str], state: str
) -> None:
    sqlite_file.sql(
        f"PRAGMA journal_mode = {mode}", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2), (3)"
    )
    async with opened(sqlite_file.url) as engine:
        before, _ = await tick(engine)
        assert before.sessions == ()
        with sqlite_file.held(*statements) as pid:
            activity, counters = await tick(engine)
            (session,) = activity.sessions
            assert session.id == str(pid)
            assert session.started.isdecimal()
            assert session.application.startswith("python")
            assert session.state in ((state, "idle", "shared") if "count" in statements[-1] else (state,))
            assert counters["holders"] == 1
            assert counters["writing"] == (state in holders.WRITING)
        after, _ = await tick(engine)
        assert after.sessions == ()


async def test_a_command_line_with_letters_of_four_bytes(rollback: SqliteFile) -> None:
    async with opened(rollback.url) as engine:
        with rollback.held("BEGIN IMMEDIATE /* 😀 */"):
            (session,) = (await tick(engine))[0].sessions
            assert "😀" in session.application


async def test_the_tick_goes_on_while_a_writer_locks_all_out(rollback: SqliteFile) -> None:
    async with opened(rollback.url) as engine:
        await tick(engine)
        with rollback.held("BEGIN EXCLUSIVE") as pid:
            activity, counters = await tick(engine)
            assert [(s.id, s.state) for s in activity.sessions] == [(str(pid), "exclusive")]
            assert counters["file_bytes"] == rollback.path.stat().st_size
            assert counters["page_count"] == 2  # of the header, which no lock keeps from being read


@pytest.mark.parametrize("mode", ["delete", "wal"])
async def test_each_commit_is_counted(sqlite_file: SqliteFile, mode: str) -> None:
    sqlite_file.sql(f"PRAGMA journal_mode = {mode}", "CREATE TABLE t(a)")
    async with opened(sqlite_file.url) as engine:
        _, before = await tick(engine)
        sqlite_file.sql(*["INSERT INTO t VALUES (1)"] * 7)
        _, after = await tick(engine)
        assert after["commits"] - before["commits"] == 7


async def test_a_reader_keeps_the_wal(wal: SqliteFile) -> None:
    async with opened(wal.url) as engine:
        await tick(engine)
        with wal.held("BEGIN", "SELECT * FROM t") as pid:
            wal.sql(*[f"INSERT INTO t VALUES (randomblob({size}))" for size in (100, 5000, 9000)])
            activity, counters = await tick(engine)
            assert [(s.id, s.state) for s in activity.sessions] == [(str(pid), "reading")]
            frames = (counters["wal_bytes"] - 32) / (4096 + 24)
            assert counters["held_bytes"] > 0
            assert counters["held_bytes"] <= counters["backlog_bytes"] <= frames * 4096
        _, counters = await tick(engine)
        assert counters["held_bytes"] == 0


async def test_free_pages_and_tables_without_statistics(rollback: SqliteFile) -> None:
    rollback.sql(
        "INSERT INTO t SELECT randomblob(4000) FROM pragma_function_list LIMIT 100",
        "DELETE FROM t WHERE typeof(a) = 'blob'",
        "CREATE TABLE empty(a)",
    )
    async with opened(rollback.url) as engine:
        _, counters = await tick(engine)
        assert counters["free_share"] > 0.5
        assert counters["database_bytes"] == rollback.path.stat().st_size
        slow = engine.monitor.sources[2]
        assert (await slow.fetch(Snapshot(at=0)))["counters"] == {"unanalysed": 1}
        rollback.sql("ANALYZE")
        assert (await slow.fetch(Snapshot(at=0)))["counters"] == {"unanalysed": 0}


async def test_statements_say_why_there_are_none(rollback: SqliteFile) -> None:
    async with opened(rollback.url) as engine:
        said = (await engine.monitor.sources[1].fetch(Snapshot(at=0)))["statements"]
        assert "keeps no statement counters" in said.note
        assert said.note == engine.lacks["statements"]


async def test_what_only_root_sees_is_said(rollback: SqliteFile) -> None:
    """A lock tells of its process, also where the process may not be looked into."""
    with rollback.held("BEGIN IMMEDIATE") as pid:
        opened_by, unseen = holders.openers(place_of(rollback.url))
        assert pid in opened_by
        assert (unseen == 0) or os.geteuid() != 0
        locked = holders.look(place_of(rollback.url), {}, 3)
        assert [(one.pid, one.state) for one in locked.processes] == [(pid, "reserved")]
    activity = Tracker().activity(locked, "shop.db", now=1.0)
    assert activity.hidden == 3
    assert "root" in activity.remedy


# ---- parts


def test_metrics_name_counters_that_there_are() -> None:
    made = {
        "commits", "wal_bytes", "database_bytes", "free_share", "backlog_bytes", "held_bytes", "oldest_lock",
        "holders", "writing", "reading", "unanalysed",
    }  # fmt: skip
    assert {name for metric in METRICS for name in metric.numerator} == made


def test_locks_of_the_kernel() -> None:
    text = (
        f"1: POSIX  ADVISORY  READ 30154 fe:00:99 {SHARED} {SHARED + 509}\n"
        f"1: -> POSIX  ADVISORY  WRITE 30155 fe:00:99 {PENDING} {PENDING}\n"
        "2: FLOCK  ADVISORY  WRITE 30156 fe:00:99 0 EOF\n"
        "3: POSIX  ADVISORY  WRITE 30157 fe:00:98 120 120\n"
        "4: POSIX  ADVISORY  WRITE 30158 fe:00:97 0 EOF\n"
        "5: OFDLCK ADVISORY  READ -1 fe:00:99 0 EOF\n"
        "garbage\n6: POSIX ADVISORY READ 1 x:y:z 0 EOF\n"
    )
    main, shm = (os.makedev(0xFE, 0), 99), (os.makedev(0xFE, 0), 98)
    assert locks_of(text, main, shm) == (
        Lock(30154, False, False, SHARED, SHARED + 509),
        Lock(30157, True, True, 120, 120),
    )


def test_the_strongest_lock_tells_the_state() -> None:
    shared = Lock(1, False, False, SHARED, SHARED + 509)
    pending = Lock(1, False, True, PENDING, PENDING)
    reserved = Lock(1, False, True, PENDING + 1, PENDING + 1)
    exclusive = Lock(1, False, True, PENDING, SHARED + 509)
    connected = Lock(1, True, False, 128, 128)
    mark = Lock(1, True, False, 125, 125)
    assert state_of([]) == ("idle", ())
    assert state_of([shared]) == ("shared", ())
    assert state_of([shared, reserved]) == ("reserved", ())
    assert state_of([shared, reserved, pending]) == ("pending", ())
    assert state_of([exclusive]) == ("exclusive", ())
    assert state_of([shared, connected]) == ("idle", ())
    assert state_of([shared, connected, mark]) == ("reading", (2,))
    assert state_of([shared, connected, mark, Lock(1, True, True, 120, 120)]) == ("writing", (2,))
    assert state_of([connected, Lock(1, True, True, 121, 121)]) == ("checkpointing", ())


def test_a_pending_writer_waits_for_readers() -> None:
    tracker = Tracker()
    seen = Seen(
        (
            Process(7, "70", "ann", "/usr/bin/app --serve", "pending"),
            Process(8, "80", "bob", "/usr/bin/report", "shared"),
            Process(9, "90", "bob", "sqlite3 x.db", "idle"),
        ),
        0,
    )
    tracker.activity(seen, "x.db", now=10.0)
    writer, reader, idle = tracker.activity(seen, "x.db", now=14.5).sessions
    assert (writer.wait_type, writer.blocked_by, writer.transaction_age) == ("Lock", ("8",), 4.5)
    assert (reader.application, reader.blocked_by, reader.state_age) == ("report", (), 4.5)
    assert (idle.transaction_age, idle.active) == (None, False)


def test_a_pid_that_is_used_again_is_another_session() -> None:
    tracker = Tracker()
    tracker.activity(Seen((Process(7, "70", "ann", "app", "shared"),), 0), "x.db", now=10.0)
    (again,) = tracker.activity(
        Seen((Process(7, "99", "ann", "app", "shared"),), 0), "x.db", now=20.0
    ).sessions
    assert again.state_age == 0.0


def test_commits_go_on_where_a_counter_starts_anew() -> None:
    commits = Commits()
    index = WalIndex(100, 5, 0, (0, 0, 0, 0, 0))
    assert commits.count(index, None, 1) == 0
    assert commits.count(WalIndex(103, 5, 0, index.marks), None, 2) == 3
    assert commits.count(None, 50, 2) == 3  # back in rollback mode: another counter
    assert commits.count(None, 52, 2) == 5
    assert commits.count(None, 1, 2) == 5
    assert commits.count(None, None, 9) == 5
    assert commits.count(None, None, None) is None


def test_a_wal_index_that_is_being_written_is_not_believed() -> None:
    assert parse_index(b"\0" * 120) is None
    header = bytearray(48)
    header[8:12] = (7).to_bytes(4, "little")
    header[12] = 1
    assert parse_index(bytes(header) * 2 + b"\0" * 24) is not None
    assert parse_index(bytes(header) + b"\1" * 48 + b"\0" * 24) is None
    assert parse_index(b"short") is None


async def test_a_look_takes_no_lock_where_it_would_hold_off_commits(rollback: SqliteFile) -> None:
    """A writer that has shut out new readers, and waits for old ones, is not hindered by ours."""
    async with opened(rollback.url) as engine:
        await tick(engine)
        monitor = await engine.monitor._watch.session()  # type: ignore[attr-defined]
        asked: list[str] = []
        await monitor.run(lambda raw: raw.set_trace_callback(asked.append))
        await tick(engine)
        assert asked == []


def test_headers(rollback: SqliteFile) -> None:
    data = rollback.path.read_bytes()[:100]
    assert parse_header(data) == Header(4096, rollback_changes(data), 2, 0, False)
    assert parse_header(data[:99]) is None
    assert parse_header(b"\0" * 100) is None
    rollback.sql("PRAGMA journal_mode = wal")
    header = parse_header(rollback.path.read_bytes()[:100])
    assert header is not None
    assert header.in_wal


def rollback_changes(data: bytes) -> int:
    return int.from_bytes(data[24:28], "big")


def test_a_replaced_file_is_told_from_its_name(sqlite_file: SqliteFile, tmp_path: Path) -> None:
    """Who still writes into a file that was removed writes for nobody."""
    with sqlite_file.held("CREATE TABLE x(a)", "BEGIN IMMEDIATE") as pid:
        sqlite_file.path.unlink()
        sqlite3.connect(sqlite_file.path).close()
        seen = holders.openers(place_of(sqlite_file.url))
        (process,) = holders.look(place_of(sqlite_file.url), *seen).processes
        assert (process.pid, process.state) == (pid, holders.DELETED)
