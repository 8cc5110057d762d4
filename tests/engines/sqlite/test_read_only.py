"""Read-only holds: statements that try to get out of it, against real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtui.errors import QueryError
from tests.engines.sqlite.opened import opened, rows
from tests.servers.sqlite import SqliteFile

ESCAPES = [
    "ATTACH '{folder}/new.db' AS n",
    "ATTACH ':memory:' AS n",
    "DETACH main",
    "VACUUM",
    "VACUUM INTO '{folder}/copy.db'",
    "PRAGMA query_only = off",
    "PRAGMA query_only(0)",
    "PRAGMA writable_schema = on",
    "PRAGMA journal_mode = delete",
    "PRAGMA main.journal_mode(wal)",
    "PRAGMA user_version = 7",
    "PRAGMA wal_checkpoint",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA optimize",
    "PRAGMA incremental_vacuum",
    "PRAGMA temp_store_directory = '{folder}'",
    "PRAGMA shrink_memory",
    "SELECT * FROM pragma_wal_checkpoint",
    "SELECT * FROM pragma_optimize",
    "EXPLAIN PRAGMA user_version = 7",
    "CREATE TEMP TABLE x(a)",
    "CREATE TEMP TABLE x AS SELECT 1",
    "CREATE TEMP VIEW x AS SELECT 1",
    "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE temp.x USING fts5(a)",
    "CREATE TABLE x(a)",
    "DROP TABLE t",
    "ALTER TABLE t ADD COLUMN z",
    "CREATE INDEX i ON t(b)",
    "INSERT INTO t(b) VALUES (1)",
    "REPLACE INTO t(a, b) VALUES (1, 'x')",
    "UPDATE t SET b = 'x' WHERE a = 1 RETURNING *",
    "DELETE FROM t RETURNING a",
    "WITH x AS (SELECT 1 AS n) INSERT INTO t(b) SELECT n FROM x RETURNING a",
    "/* SELECT */ DELETE FROM t",
    "INSERT INTO words(words) VALUES ('optimize')",
    "UPDATE sqlite_master SET sql = ''",
    "ANALYZE",
    "REINDEX",
    "BEGIN IMMEDIATE",
    "BEGIN",
    "SAVEPOINT s",
    "SELECT load_extension('{folder}/code.so')",
    "SELECT LOAD_EXTENSION('{folder}/code.so', 'entry')",
    "SELECT writefile('{folder}/new.txt', 'x')",
    "SELECT edit('x')",
    "SELECT fts3_tokenizer('simple', x'0000000000000000')",
]
ALLOWED = [
    "SELECT count(*) FROM t",
    "VALUES (1), (2)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT sum(i) FROM n",
    "SELECT * FROM words WHERE words MATCH 'hello'",
    "SELECT * FROM boxes",
    "SELECT name FROM pragma_table_list",
    "SELECT * FROM pragma_table_xinfo('t')",
    "SELECT count(*) FROM dbstat",
    "PRAGMA table_info(t)",
    "PRAGMA journal_mode",
    "PRAGMA integrity_check",
    "PRAGMA foreign_key_check(t)",
    "EXPLAIN SELECT * FROM t",
    "EXPLAIN QUERY PLAN SELECT * FROM t ORDER BY b",
    "SELECT * FROM seen",
]


@pytest.fixture(params=["delete", "wal"])
def shop(request: pytest.FixtureRequest, sqlite_file: SqliteFile) -> SqliteFile:
    sqlite_file.sql(
        f"PRAGMA journal_mode = {request.param}",
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)",
        "INSERT INTO t(b) VALUES ('one'), ('two')",
        "CREATE VIRTUAL TABLE words USING fts5(w)",
        "INSERT INTO words VALUES ('hello')",
        "CREATE VIRTUAL TABLE boxes USING rtree(id, low, high)",
        "CREATE VIEW seen AS SELECT b FROM t",
    )
    return sqlite_file


def _state(file: SqliteFile) -> tuple[list[str], object]:
    names = sorted(one.name for one in file.path.parent.iterdir() if one.is_file())
    database = [name for name in names if not name.endswith(("-wal", "-shm"))]
    return database, [
        file.sql("SELECT * FROM t"), file.sql("SELECT name, sql FROM sqlite_schema"),
        file.sql("PRAGMA user_version"), file.sql("PRAGMA journal_mode"),
    ]  # fmt: skip


async def test_nothing_gets_out(shop: SqliteFile, tmp_path: Path) -> None:
    before = _state(shop)
    async with opened(shop.url) as engine:
        for escape in ESCAPES:
            with pytest.raises(QueryError) as refused:
                await rows(engine, escape.format(folder=tmp_path))
            assert refused.value.message, escape
        assert (await rows(engine, "PRAGMA query_only")).rows == (("1",),)
        assert (await rows(engine, "SELECT count(*) FROM t")).rows == (("2",),)
    assert _state(shop) == before


async def test_what_reads_is_let_through(shop: SqliteFile) -> None:
    async with opened(shop.url) as engine:
        for sql in ALLOWED:
            assert (await rows(engine, sql)).columns, sql


async def test_a_refusal_names_what_was_refused(shop: SqliteFile) -> None:
    async with opened(shop.url) as engine:
        for sql, said in (
            ("CREATE TEMP TABLE x(a)", "read-only: CREATE is not a query"),
            ("WITH x AS (SELECT 1) DELETE FROM t", "read-only: DELETE is not a query"),
            ("PRAGMA user_version = 1", "read-only: PRAGMA user_version changes something"),
            ("SELECT load_extension('x')", "read-only: load_extension() reaches beyond the database"),
        ):
            with pytest.raises(QueryError) as refused:
                await rows(engine, sql)
            assert refused.value.message == said
            assert refused.value.code == "SQLITE_AUTH"


async def test_a_view_of_a_hostile_file_calls_nothing_either(shop: SqliteFile, tmp_path: Path) -> None:
    shop.sql("CREATE VIEW trap AS SELECT load_extension('/nowhere/code.so') AS x")
    async with opened(shop.url) as engine:
        with pytest.raises(QueryError):
            await rows(engine, "SELECT * FROM trap")


async def test_a_plan_of_a_write_writes_nothing(shop: SqliteFile) -> None:
    before = _state(shop)
    async with opened(shop.url) as engine:
        assert engine.explain is not None
        await engine.explain.explain("DELETE FROM t WHERE a > 0 RETURNING *")
        await engine.explain.explain("INSERT INTO t(b) SELECT b FROM t")
        for sql in ("PRAGMA user_version = 3", "VACUUM", "ATTACH 'x' AS y", "SELECT 1; DELETE FROM t"):
            with pytest.raises(QueryError):
                await engine.explain.explain(sql)
            with pytest.raises(QueryError):
                await engine.explain.explain(f"EXPLAIN {sql}")
    assert _state(shop) == before
