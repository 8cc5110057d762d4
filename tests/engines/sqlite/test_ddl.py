"""The texts of tables as people write them."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.engines.sqlite import ddl
from dbtui.sql.quoting import identifier


def test_names_are_quoted_so_that_sqlite_reads_them_back() -> None:
    connection = sqlite3.connect(":memory:")
    for name in ('a"b', "a b", "", "new\nline", "é", "select", '""', "[x]", "`"):
        cursor = connection.execute(f"SELECT 1 AS {identifier(name)}")
        assert cursor.description[0][0] == name
    connection.close()


@pytest.mark.parametrize(
    ("token", "name"), [('"a""b"', 'a"b'), ("`a``b`", "a`b"), ("[a b]", "a b"), ("plain", "plain"), ("", "")]
)
def test_names_without_their_quotes(token: str, name: str) -> None:
    assert ddl.bare(token) == name


def test_generated_columns() -> None:
    sql = """CREATE TABLE t(a, "as" TEXT DEFAULT (1 + (2)), b AS (a /* , */ + 1), -- c AS (x)
             [d e] INT NOT NULL GENERATED ALWAYS AS (coalesce(a, ')')) STORED CHECK (b > 0))"""
    assert ddl.generated(sql) == {"b": "a /* , */ + 1", "d e": "coalesce(a, ')')"}
    assert ddl.checks(sql) == [("", "b > 0")]


def test_checks() -> None:
    sql = 'create table t (a int constraint "my check" check (a in (1,\n 2)), constraint two check(a <> 3), check (1))'
    assert ddl.checks(sql) == [("my check", "a in (1, 2)"), ("two", "a <> 3"), ("", "1")]


def test_indexes() -> None:
    sql = "CREATE INDEX i ON t(lower(a), b COLLATE nocase DESC, (c + 1)) WHERE a > ')' AND b IS NOT NULL"
    assert ddl.index_columns(sql) == ["lower(a)", "b COLLATE nocase DESC", "(c + 1)"]
    assert ddl.predicate(sql) == "a > ')' AND b IS NOT NULL"
    assert ddl.predicate('CREATE INDEX "where" ON t(a)') is None


@given(st.text("ab,()'\"`[]-/* \nASCHECKwhere", max_size=80))
def test_no_text_breaks_it(sql: str) -> None:
    ddl.generated(sql), ddl.checks(sql), ddl.index_columns(sql), ddl.predicate(sql), ddl.words(sql)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
def test_any_name_is_found_again(name: str) -> None:
    sql = f"CREATE TABLE t({identifier(name)} AS (1) STORED, b)"
    assert list(ddl.generated(sql)) == [name.lower()]
