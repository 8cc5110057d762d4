"""Statements that a user types: values of every type, pages, and what is wrong with a text."""

from __future__ import annotations

import pytest

from dbtui.engines.readahead import MAX_ROWS
from dbtui.engines.sqlite.values import MOST_BLOB
from dbtui.errors import QueryError
from tests.engines.sqlite.opened import opened, rows
from tests.servers.sqlite import SqliteFile


async def test_values_of_every_type(sqlite_file: SqliteFile) -> None:
    sqlite_file.sql("CREATE TABLE t(a)", "INSERT INTO t VALUES (CAST(x'61ff62' AS TEXT))")
    async with opened(sqlite_file.url) as engine:
        page = await rows(
            engine,
            "SELECT 1, 9223372036854775807, -9223372036854775808, 0.1, 1e300, 9e999, -9e999, NULL, '', x'00ff',"
            " zeroblob(0), 'a' || char(0) || 'b', char(0x1F600), (SELECT a FROM t)",
        )
        assert page.rows == (
            ("1", "9223372036854775807", "-9223372036854775808", "0.1", "1e+300", "Inf", "-Inf", None, "", "x'00ff'",
             "x''", "a\0b", "😀", "a\ufffdb"),
        )  # fmt: skip
        types = [column.type for column in page.columns]
        assert types == ["integer"] * 3 + ["real"] * 4 + ["", "text", "blob", "blob", "text", "text", "text"]
        assert [column.numeric for column in page.columns] == [True] * 7 + [False] * 7
        (column,) = (await rows(engine, "SELECT 1 AS mixed UNION ALL SELECT 'x'")).columns
        assert (column.name, column.type, column.numeric) == ("mixed", "integer/text", False)
        ((blob,),) = (await rows(engine, f"SELECT zeroblob({MOST_BLOB + 1})")).rows
        assert blob is not None
        assert blob.endswith(f"' … {MOST_BLOB + 1} bytes")
        with pytest.raises(QueryError, match="too large"):
            await rows(engine, "SELECT zeroblob(100000000)")


async def test_pages(sqlite_file: SqliteFile) -> None:
    async with opened(sqlite_file.url) as engine:
        assert engine.query is not None
        numbers = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i FROM n"
        )
        cursor = await engine.query.run(numbers.format(1200))
        first, second, third = [await cursor.fetch(500) for _ in range(3)]
        assert (len(first.rows), len(second.rows), len(third.rows)) == (500, 500, 200)
        assert (first.more, third.more, third.status) == (True, False, "SELECT 1200")
        assert third.rows[-1] == ("1200",)
        cursor = await engine.query.run(numbers.format(MAX_ROWS + 1))
        assert len((await cursor.fetch(MAX_ROWS)).rows) == MAX_ROWS
        with pytest.raises(QueryError, match="only the first"):
            await cursor.fetch(1)
        none = await rows(engine, "SELECT 1 AS one WHERE 0")
        assert ([one.name for one in none.columns], none.rows, none.more) == (["one"], (), False)


async def test_no_lock_is_held_once_the_rows_are_read(sqlite_file: SqliteFile) -> None:
    """However slowly they are looked at, others can write."""
    sqlite_file.sql("PRAGMA journal_mode = delete", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2), (3)")
    async with opened(sqlite_file.url) as engine:
        assert engine.query is not None
        cursor = await engine.query.run("SELECT a FROM t")
        await cursor.fetch(1)
        sqlite_file.sql("PRAGMA busy_timeout = 0", "INSERT INTO t VALUES (4)")
        assert (await cursor.fetch(5)).rows == (("2",), ("3",))


@pytest.mark.parametrize(
    ("sql", "said", "position"),
    [
        ("SELEC 1", 'near "SELEC": syntax error', 1),
        ("SELECT * FROM nowhere", "no such table: nowhere", None),
        ("SELECT 1; SELECT 2", "more than one statement", None),
        ("SELECT ?1", "placeholders", None),
        ("SELECT :name", "placeholders", None),
        ("", "there is no statement", None),
        ("-- only a comment", "there is no statement", None),
        (" ; ", "there is no statement", None),
        ("SELECT '\ud800'", "half a character", None),
        ("SELECT 1 FROM pragma_table_info", "", None),
    ],
)
async def test_what_is_wrong(sqlite_file: SqliteFile, sql: str, said: str, position: int | None) -> None:
    async with opened(sqlite_file.url) as engine:
        if not said:
            assert (await rows(engine, sql)).rows == ()
            return
        with pytest.raises(QueryError) as refused:
            await rows(engine, sql)
        assert said in refused.value.message
        assert refused.value.position == position


async def test_a_semicolon_and_comments_are_no_second_statement(sqlite_file: SqliteFile) -> None:
    async with opened(sqlite_file.url) as engine:
        assert (await rows(engine, "/* one */ SELECT 1; -- done")).rows == (("1",),)
