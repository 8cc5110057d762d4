"""Opening, holding and leaving a file: what is in the way is said in one line."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dbtui.config import resolve
from dbtui.engines import create
from dbtui.engines.sqlite.connection import Connector
from dbtui.engines.sqlite.place import place_of
from dbtui.engines.sqlite.query import SqliteQuerier
from dbtui.errors import ConnectError, DbtuiError, QueryError, QueryTimeout, SessionLost, UsageError
from dbtui.model.snapshot import Snapshot
from tests.engines.sqlite.opened import engine_on, opened, rows
from tests.servers.sqlite import SqliteFile, as_stranger

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


async def refusal(url: str) -> ConnectError:
    engine = engine_on(url)
    try:
        with pytest.raises(ConnectError) as refused:
            await engine.open()
        return refused.value
    finally:
        await engine.close()


# ---- which file


def test_urls_name_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = os.path.realpath(tmp_path)
    assert place_of("sqlite:////srv/app.db").path == "/srv/app.db"
    assert place_of("sqlite:///app.db").path == f"{here}/app.db"
    assert place_of("sqlite:///a%20b%3F.db").path == f"{here}/a b?.db"
    assert place_of("sqlite:///app.db?timeout=20").notes == ("not heeded in the URL: timeout",)
    odd = place_of("sqlite:///w%3Fo%23w%25.db")
    assert odd.uri("ro") == f"file:{here}/w%3Fo%23w%25.db?mode=ro"


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://app.db", "sqlite:///a.db?immutable=1", "sqlite:///%00"]
)  # fmt: skip
def test_urls_that_name_none(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        place_of(url)
    assert refused.value.hint


async def test_a_bare_path_is_a_connection(sqlite_file: SqliteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = sqlite_file.path.with_name("odd #1?.db")
    sqlite_file.path.rename(odd)
    monkeypatch.chdir(odd.parent)
    target = resolve("odd #1?.db")
    assert (target.name, target.scheme) == ("odd #1?.db", "sqlite")
    engine = create(target)
    server = await engine.open()
    await engine.close()
    assert (server.product, server.version, server.database) == (
        "SQLite",
        sqlite3.sqlite_version,
        "odd #1?.db",
    )
    with pytest.raises(UsageError):
        resolve("x" * 5000)


# ---- what is no database


async def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, said in (("none.db", "there is no file"), ("", "is a folder"), ("pipe", "device or pipe")):
        error = await refusal(f"sqlite:///{tmp_path}/{name}")
        assert said in error.message
        assert error.hint
    assert not (tmp_path / "none.db").exists()


async def test_what_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "secret.db"
    file.write_bytes(os.urandom(8192))
    error = await refusal(f"sqlite:///{file}")
    assert error.message == f"{file} is not a SQLite database"
    assert "encrypted" in error.hint


async def test_a_file_of_a_format_to_come(sqlite_file: SqliteFile) -> None:
    """Byte 19 of the header is the format that a reader has to know, 18 the one that a writer has to."""
    sqlite_file.sql("CREATE TABLE t(a)")
    content = bytearray(sqlite_file.path.read_bytes())
    content[18] = 3
    sqlite_file.path.write_bytes(content)
    async with opened(sqlite_file.url) as engine:
        assert (await rows(engine, "SELECT count(*) FROM t")).rows == (("0",),)
    content[19] = 3
    sqlite_file.path.write_bytes(content)
    error = await refusal(sqlite_file.url)
    assert "is of file format 3, which SQLite" in error.message
    assert "a newer SQLite" in error.hint


async def test_an_empty_file_is_an_empty_database(tmp_path: Path) -> None:
    file = tmp_path / "empty.db"
    file.touch()
    async with opened(f"sqlite:///{file}") as engine:
        assert any("empty" in note for note in (await engine.open()).notes)
        assert engine.catalog is not None
        (database,) = await engine.catalog.children(None)
        assert await engine.catalog.children(database) == ()
        assert (await rows(engine, "SELECT 1")).rows == (("1",),)
    assert file.stat().st_size == 0


async def test_no_permission(sqlite_file: SqliteFile) -> None:
    sqlite_file.path.chmod(0o600)
    sqlite_file.path.parent.chmod(0o755)
    for folder in list(sqlite_file.path.parents)[:3]:
        folder.chmod(0o755)
    if os.geteuid() != 0:
        sqlite_file.path.chmod(0o000)
    with as_stranger():
        error = await refusal(sqlite_file.url)
    assert "no permission to read" in error.message or "may not be entered" in error.message
    assert "it belongs to" in error.hint


async def test_wal_in_a_folder_that_may_not_be_written(sqlite_file: SqliteFile) -> None:
    """Without its -shm such a file cannot be read: the reason is named, and immutable=1 is no way out."""
    sqlite_file.sql("PRAGMA journal_mode = wal", "CREATE TABLE t(a)")
    sqlite_file.path.chmod(0o644)
    closed = sqlite_file.path.parent
    for folder in list(closed.parents)[:3]:
        folder.chmod(0o755)
    closed.chmod(0o555)
    try:
        with as_stranger():
            error = await refusal(sqlite_file.url)
    finally:
        closed.chmod(0o755)
    assert "is in WAL mode" in error.message
    assert "shop.db-shm" in error.message
    assert "read a copy" in error.hint


async def test_a_transaction_that_broke_off(sqlite_file: SqliteFile, tmp_path: Path) -> None:
    """A hot journal has to be rolled back, which only a writer can do."""
    sqlite_file.sql("PRAGMA journal_mode = delete", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1)")
    broken = tmp_path / "broken.db"
    with sqlite_file.held("PRAGMA cache_spill = 1", "PRAGMA cache_size = 1", "BEGIN IMMEDIATE",
                          "INSERT INTO t SELECT randomblob(3000) FROM pragma_function_list"):  # fmt: skip
        shutil.copy(sqlite_file.path, broken)
        shutil.copy(f"{sqlite_file.path}-journal", f"{broken}-journal")
    error = await refusal(f"sqlite:///{broken}")
    assert "broke off" in error.message
    assert "may write" in error.hint


# ---- locks


async def test_who_locks_is_named(sqlite_file: SqliteFile) -> None:
    sqlite_file.sql("PRAGMA journal_mode = delete", "CREATE TABLE t(a)")
    with sqlite_file.held("BEGIN EXCLUSIVE") as pid:
        error = await refusal(sqlite_file.url)
        assert "is locked" in error.message
        assert re.search(rf"by process {pid} \(python[0-9.]*, exclusive\)", error.message)


async def test_a_lock_taken_while_it_is_open(sqlite_file: SqliteFile) -> None:
    sqlite_file.sql("PRAGMA journal_mode = delete", "CREATE TABLE t(a)")
    async with opened(sqlite_file.url) as engine:
        assert (await rows(engine, "SELECT count(*) FROM t")).rows == (("0",),)
        with sqlite_file.held("BEGIN EXCLUSIVE") as pid:
            with pytest.raises(QueryError) as refused:
                await rows(engine, "SELECT count(*) FROM t")
            assert f"locked by process {pid}" in refused.value.message
            assert refused.value.code.startswith("SQLITE_BUSY")
        assert (await rows(engine, "SELECT count(*) FROM t")).rows == (("0",),)


async def test_looking_releases_no_lock_of_ours(sqlite_file: SqliteFile) -> None:
    """Closing a second descriptor of the file would drop the locks under an open connection."""
    sqlite_file.sql("PRAGMA journal_mode = delete", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)")
    connector = Connector(resolve(sqlite_file.url))
    connection = await connector.open("work")

    def half_read(raw: sqlite3.Connection) -> sqlite3.Cursor:
        cursor = raw.execute("SELECT a FROM t")
        cursor.fetchone()
        return cursor

    cursor = await connection.run(half_read)
    engine = engine_on(sqlite_file.url)
    await engine.open()
    for source in engine.monitor.sources:
        await source.fetch(Snapshot(at=0))
    mine = [one for one in Path("/proc/locks").read_text().splitlines() if f" {os.getpid()} " in one]
    inode = f":{sqlite_file.path.stat().st_ino} "
    assert any(inode in one for one in mine)
    await connection.run(lambda _raw: cursor.close())
    await engine.close()
    await connector.close()


# ---- a file that is replaced or damaged


async def test_a_replaced_file_is_opened_anew(sqlite_file: SqliteFile, tmp_path: Path) -> None:
    sqlite_file.sql("CREATE TABLE t(a)", "INSERT INTO t VALUES ('old')")
    other = SqliteFile(tmp_path / "other.db")
    other.sql("CREATE TABLE t(a)", "INSERT INTO t VALUES ('new')")
    async with opened(sqlite_file.url) as engine:
        tick = engine.monitor.sources[0]
        await tick.fetch(Snapshot(at=0))
        assert (await rows(engine, "SELECT a FROM t")).rows == (("old",),)
        other.path.rename(sqlite_file.path)
        assert (await rows(engine, "SELECT a FROM t")).rows == (("new",),)
        with pytest.raises(SessionLost, match="replaced"):
            await tick.fetch(Snapshot(at=0))
        await engine.monitor.reconnect()
        await tick.fetch(Snapshot(at=0))
        sqlite_file.path.unlink()
        with pytest.raises(SessionLost):
            await tick.fetch(Snapshot(at=0))
        with pytest.raises(ConnectError, match="there is no file"):
            await engine.monitor.reconnect()


async def test_a_damaged_page(sqlite_file: SqliteFile) -> None:
    sqlite_file.sql(
        "CREATE TABLE t(a)",
        "CREATE TABLE fine(a)",
        "INSERT INTO t SELECT randomblob(900) FROM pragma_function_list",
    )
    with sqlite_file.path.open("r+b") as file:
        for page in range(3, sqlite_file.path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xee" * 4096)
    async with opened(sqlite_file.url) as engine:
        with pytest.raises(QueryError) as refused:
            await rows(engine, "SELECT sum(length(a)) FROM t")
        assert "damaged" in refused.value.message
        assert "integrity_check" in refused.value.hint
        assert (await rows(engine, "SELECT count(*) FROM fine")).rows == (("0",),)
        assert engine.catalog is not None
        (database,) = await engine.catalog.children(None)
        assert [one.name for one in await engine.catalog.children(database)] == ["fine", "t"]


async def test_a_schema_that_is_damaged(sqlite_file: SqliteFile) -> None:
    with sqlite3.connect(sqlite_file.path) as connection:
        connection.execute("CREATE TABLE t(a)")
        connection.execute("PRAGMA writable_schema = on")
        connection.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE t(a'")
    connection.close()
    error = await refusal(sqlite_file.url)
    assert "malformed" in error.message
    assert "integrity_check" in error.hint


# ---- time


async def test_a_limit_of_time_interrupts(sqlite_file: SqliteFile) -> None:
    async with opened(sqlite_file.url) as engine:
        with pytest.raises(QueryTimeout):
            await rows(engine, ENDLESS, timeout=0.2)
        assert (await rows(engine, "SELECT 1")).rows == (("1",),)


async def test_cancel_interrupts(sqlite_file: SqliteFile) -> None:
    async with opened(sqlite_file.url) as engine:
        querier = engine.query
        assert isinstance(querier, SqliteQuerier)
        running = asyncio.create_task(querier.run(ENDLESS))
        await asyncio.sleep(0.1)
        await querier.cancel()
        with pytest.raises(QueryError, match="cancelled"):
            await running
        assert (await rows(engine, "SELECT 1")).rows == (("1",),)


async def test_a_caller_that_goes_away_leaves_nothing_running(sqlite_file: SqliteFile) -> None:
    connector = Connector(resolve(sqlite_file.url))
    work = connector.work()
    async with work.use() as connection:
        task = asyncio.create_task(connection.run(lambda raw: raw.execute(ENDLESS).fetchall(), timeout=60))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not connection.closed
        assert await connection.run(lambda raw: raw.execute("SELECT 1").fetchone()) == (1,)
    await connector.close()
    with pytest.raises(DbtuiError):
        await connection.run(lambda raw: raw.execute("SELECT 1").fetchone())


def test_leaving_waits_for_no_statement(sqlite_file: SqliteFile) -> None:
    """The endless statement would keep a process for ever whose threads are waited for."""
    script = f"""
import asyncio, sys
sys.path.insert(0, {os.getcwd()!r})
from tests.engines.sqlite.opened import engine_on
async def main():
    engine = engine_on({sqlite_file.url!r})
    await engine.open()
    running = asyncio.create_task(engine.query.run({ENDLESS!r}, timeout=600))
    running.add_done_callback(lambda task: task.cancelled() or task.exception())
    await asyncio.sleep(0.2)
    if sys.argv[1] == "close":
        await engine.close()
asyncio.run(main())
"""
    for how in ("close", "drop"):
        done = subprocess.run([sys.executable, "-c", script, how], capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stderr) == (0, "")
