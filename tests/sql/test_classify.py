from __future__ import annotations

import pytest
from hypothesis import given

from dbtui.sql.classify import classify, explained, first_word
from tests.sql.texts import ANYTHING


@given(ANYTHING)
def test_any_text_has_a_verdict(text: str) -> None:
    assert classify(text).placeholders >= 0
    assert explained(text)[0] in text


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "/* insert */ select 'pg_terminate_backend(1)', \"nextval\" from t -- delete",
        "(select 1) union (select 2)",
        "with a as (select 1), b as materialized (select 2) select * from a, b",
        "values (1), (2)",
        "table t",
        "select count(*) from orders where status = $2",
        "select nextval from t",
        "select substring(a for 3), a.update from t",
    ],
)
def test_what_only_reads(sql: str) -> None:
    assert classify(sql).only_reads, classify(sql)


@pytest.mark.parametrize(
    ("sql", "verb"),
    [
        ("", ""),
        ("insert into t values (1)", "insert"),
        ("select * into n from t", "select"),
        ("select 1 from t for update", "select"),
        ("select 1 from t for no key update skip locked", "select"),
        ("with x as (delete from t returning *) select * from x", "select"),
        ("with x as (select 1) delete from t", "delete"),
        ("with x (a, b) as not materialized (select 1, 2) insert into t select * from x", "insert"),
        ("select pg_terminate_backend(pid) from pg_stat_activity", "select"),
        ("select pg_catalog . PG_Cancel_Backend /* */ (1)", "select"),
        ('select "pg_cancel_backend"(1)', "select"),
        ("select U&\"pg\\005fcancel_backend\"(1)", "select"),
        ("select lo_export(1, 'f')", "select"),
        ("select pg_advisory_lock(1)", "select"),
        ("select nextval('s')", "select"),
        ("select dblink_exec('x', 'delete from t')", "select"),
        ("do $$begin end$$", "do"),
        ("call p()", "call"),
        ("copy t to program 'x'", "copy"),
        ("explain select 1", "explain"),
    ],
)  # fmt: skip
def test_what_may_do_more_than_read(sql: str, verb: str) -> None:
    verdict = classify(sql)
    assert verdict.verb == verb
    assert not verdict.only_reads
    assert verdict.effect


def test_the_highest_placeholder_counts_outside_of_quotes() -> None:
    assert classify("select $1, $3, '$9', $$ $8 $$").placeholders == 3


@pytest.mark.parametrize(
    ("sql", "inner", "analyze"),
    [
        ("select 1", "select 1", False),
        ("explain select 1", "select 1", False),
        ("EXPLAIN ANALYZE VERBOSE select 1", "select 1", True),
        ("explain (analyze, buffers off) delete from t", "delete from t", True),
        ("explain (analyze off, format 'json') select (1)", "select (1)", False),
        ("explain (verbose, analyze 'true') select 1", "select 1", True),
        ("explain (select 1)", "(select 1)", False),
        ("explain ((select 1))", "((select 1))", False),
    ],
)
def test_what_an_explain_explains(sql: str, inner: str, analyze: bool) -> None:
    assert explained(sql) == (inner, analyze)


def test_the_first_word_is_found_past_comments_and_parentheses() -> None:
    assert first_word("/* x */ ((SELECT 1))") == "select"
    assert first_word("\\d") == ""
