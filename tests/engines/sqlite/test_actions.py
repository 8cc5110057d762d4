"""Writing behind an approval, and what cannot be done to others."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtui.errors import ConnectError, NotApproved, PermissionDenied, QueryError, QueryTimeout
from dbtui.model.activity import Session
from dbtui.model.result import Page
from dbtui.safety import approve, scope_of
from tests.engines.sqlite.opened import engine_on
from tests.engines.sqlite.test_connection import ENDLESS
from tests.servers.sqlite import SqliteFile, as_stranger


@pytest.fixture(params=["delete", "wal"])
def shop(request: pytest.FixtureRequest, sqlite_file: SqliteFile) -> SqliteFile:
    sqlite_file.sql(
        f"PRAGMA journal_mode = {request.param}",
        "CREATE TABLE c(id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE TABLE o(id INTEGER PRIMARY KEY, customer INT REFERENCES c(id))",
        "INSERT INTO c(name) VALUES ('ann'), ('bob')",
    )
    return sqlite_file


async def write(file: SqliteFile, sql: str, *, scope: str = "", timeout: float = 20.0) -> Page:
    engine = engine_on(file.url)
    await engine.open()
    try:
        assert engine.actions is not None
        return await engine.actions.write(
            sql, approve("file", scope or scope_of(sql), "try"), timeout=timeout
        )
    finally:
        await engine.close()


async def test_an_approved_statement_writes(shop: SqliteFile) -> None:
    page = await write(shop, "UPDATE c SET name = upper(name) WHERE id < 9 RETURNING id, name")
    assert (page.rows, page.status) == ((("1", "ANN"), ("2", "BOB")), "UPDATE 2")
    assert (await write(shop, "INSERT INTO c(name) VALUES ('eve')")).status == "INSERT 1"
    assert (await write(shop, "CREATE INDEX by_name ON c(name)")).rows == ()
    assert shop.sql("SELECT name FROM c") == [("ANN",), ("BOB",), ("eve",)]


async def test_without_an_approval_nothing_is_written(shop: SqliteFile) -> None:
    for scope in ("lift me", scope_of("DELETE FROM o")):
        with pytest.raises(NotApproved):
            await write(shop, "DELETE FROM c", scope=scope)
    assert shop.sql("SELECT count(*) FROM c") == [(2,)]


async def test_what_fails_leaves_nothing_behind(shop: SqliteFile) -> None:
    for sql, said in (
        ("INSERT INTO o(customer) VALUES (1), (99)", "FOREIGN KEY"),
        ("INSERT INTO c(id) VALUES (7), (1)", "UNIQUE"),
        ("DELETE FROM c; DELETE FROM o", "more than one statement"),
        ("DELETE FROM c WHERE nope", "no such column"),
    ):
        with pytest.raises(QueryError, match=said):
            await write(shop, sql)
    with pytest.raises(QueryTimeout):
        await write(shop, f"INSERT INTO c(name) {ENDLESS}", timeout=0.2)
    assert shop.sql("SELECT count(*) FROM c") == [(2,)]
    assert shop.sql("SELECT count(*) FROM o") == [(0,)]


async def test_what_runs_outside_a_transaction(shop: SqliteFile) -> None:
    await write(shop, "VACUUM")
    await write(shop, "PRAGMA user_version = 7")
    assert shop.sql("PRAGMA user_version") == [(7,)]


async def test_an_approval_reaches_no_other_file(shop: SqliteFile, tmp_path: Path) -> None:
    for sql in (
        f"ATTACH '{tmp_path}/new.db' AS n",
        f"VACUUM INTO '{tmp_path}/new.db'",
        "SELECT load_extension('x')",
        "PRAGMA writable_schema = on",
        "BEGIN",
        "COMMIT",
        "",
    ):
        with pytest.raises(QueryError):
            await write(shop, sql)
    assert not (tmp_path / "new.db").exists()


async def test_who_holds_the_lock_is_named(shop: SqliteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    from dbtui.engines.sqlite import connection

    monkeypatch.setitem(connection.BUSY, "act", 0.05)
    with shop.held("BEGIN IMMEDIATE") as pid, pytest.raises(QueryError) as refused:
        await write(shop, "DELETE FROM c")
    assert f"locked by process {pid}" in refused.value.message
    assert shop.sql("SELECT count(*) FROM c") == [(2,)]


async def test_a_file_that_may_not_be_written(sqlite_file: SqliteFile) -> None:
    sqlite_file.sql("CREATE TABLE c(id)")
    sqlite_file.path.chmod(0o444)
    for folder in list(sqlite_file.path.parents)[:3]:
        folder.chmod(0o755)
    with as_stranger(), pytest.raises((PermissionDenied, ConnectError)):
        await write(sqlite_file, "DELETE FROM c")


async def test_others_cannot_be_stopped(shop: SqliteFile) -> None:
    engine = engine_on(shop.url)
    session = Session("77", "1", "ann", "shop.db", "app", "", "", "writing", "", "", "")
    assert engine.actions is not None
    for verb, act in (("cancel", engine.actions.cancel), ("terminate", engine.actions.terminate)):
        with pytest.raises(NotApproved):
            await act(session, approve("file", f"{verb}:78:1", "try"))
        with pytest.raises(QueryError, match="no server") as refused:
            await act(session, approve("file", f"{verb}:77:1", "try"))
        assert "process 77" in refused.value.hint
        assert engine.lacks[verb] == refused.value.message
