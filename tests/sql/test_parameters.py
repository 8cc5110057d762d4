"""The values of a statement as parameters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.engines.mysql.lex import tokens as mysql_tokens
from dbtui.sql.lex import tokens
from dbtui.sql.mask import placeholders
from dbtui.sql.parameters import parametrised


def test_literals_become_parameters_where_they_are_compared() -> None:
    sql = "select 1, 'x' from t where a = 5 and b between 'p' and 'q' and c in (1, 2) and d <> -3 limit 7"
    found = parametrised(sql, tokens(sql))
    assert found.sql == (
        "select 1, 'x' from t where a = $1 and b between $2 and $3 and c in (1, 2) and d <> -3 limit 7"
    )
    assert found.with_values(found.given) == sql


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ("select * from t where a = $1 and b = 5", "select * from t where a = $1 and b = 5"),
        ("select * from t where at >= date '2024-01-01'", "select * from t where at >= $1"),
        (
            "select * from t where at between date '2024-01-01' and date '2025-01-01' and x > 1",
            "select * from t where at between $1 and $2 and x > $3",
        ),
        (
            "select * from t where a = $2 or b = $1 or c = $2",
            "select * from t where a = $2 or b = $1 or c = $2",
        ),
    ],
)
def test_what_is_a_parameter(sql: str, written: str) -> None:
    assert parametrised(sql, tokens(sql)).sql == written


def test_numbers_of_rows_are_known_without_a_column() -> None:
    sql = "SELECT * FROM t WHERE a = ? LIMIT ?, ?"
    found = parametrised(sql, mysql_tokens(sql))
    assert found.sql == "SELECT * FROM t WHERE a = $1 LIMIT $2, $3"
    assert (found.numbers, found.counts) == ({1, 2, 3}, {2: "10", 3: "10"})
    sql = "select * from t where a in ($1, $2) limit $3 offset $4"
    assert parametrised(sql, tokens(sql)).counts == {3: "10", 4: "0"}


def test_a_question_mark_in_a_string_is_none() -> None:
    sql = r"SELECT 'it\'s ?' FROM t WHERE a = ? AND b = '?'"
    found = parametrised(sql, mysql_tokens(sql))
    assert found.sql == r"SELECT 'it\'s ?' FROM t WHERE a = $1 AND b = '?'"


@given(st.text(max_size=200))
def test_any_text_is_parametrised_and_put_together_again(sql: str) -> None:
    found = parametrised(sql, tokens(sql))
    if not placeholders(sql):
        assert found.with_values(found.given) == sql
    found = parametrised(sql, mysql_tokens(sql))
    assert "?" in sql or found.with_values(found.given) == sql
