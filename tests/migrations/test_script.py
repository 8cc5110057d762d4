"""Scripts are cut where their engine would cut them, and nothing of them is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.migrations.parse import parse
from dbtui.migrations.parse_script import split_script
from dbtui.model.migration import Engine

PG, MYSQL, SQLITE = Engine.POSTGRESQL, Engine.MYSQL, Engine.SQLITE


def texts(script: str, engine: Engine = PG) -> list[str]:
    return [chunk.sql for chunk in split_script(script, engine)]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("select 'a;b'; select 2", ["select 'a;b'", "select 2"]),
        ("select E'it\\';s'; select 2", ["select E'it\\';s'", "select 2"]),
        ('select "a;b"; select 2', ['select "a;b"', "select 2"]),
        ("select $x$;$y$;$x$; select 2", ["select $x$;$y$;$x$", "select 2"]),
        ("/* a /* b; */ c; */ select 1;;; select 2 -- x;\n;", ["select 1", "select 2 -- x;"]),
        ("select a$b$c; select 2", ["select a$b$c", "select 2"]),
        ("create rule r as on insert to t do also (select 1; select 2); select 3",
         ["create rule r as on insert to t do also (select 1; select 2)", "select 3"]),
        ("create function f() returns int begin atomic select 1; select 2; end; select 3",
         ["create function f() returns int begin atomic select 1; select 2; end", "select 3"]),
        ("copy t from stdin;\n1\tit's; \\N\n\\.\nselect 2;", ["copy t from stdin", "select 2"]),
        ("\\copy t from stdin\nit's; \\N\n\\.\nselect 2;", ["\\copy t from stdin", "select 2"]),
        ("\\set x 1\nselect 2;\n\\echo 'it\nselect 3", ["\\set x 1", "select 2", "\\echo 'it", "select 3"]),
        ("select 1;\r\nselect\r\n2;\r\n", ["select 1", "select\r\n2"]),
    ],
)  # fmt: skip
def test_postgresql(script: str, expected: list[str]) -> None:
    assert texts(script) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("select 'a\\';b'; select 2", ["select 'a\\';b'", "select 2"]),
        ("select `a;b`; # c;\nselect \"d;\"\"e\"", ["select `a;b`", 'select "d;""e"']),
        ("select 5--1; select 2", ["select 5--1", "select 2"]),
        ("delimiter //\ncreate trigger t before insert on x for each row begin set @a=1; end//\ndelimiter ;\nselect 2;",
         ["create trigger t before insert on x for each row begin set @a=1; end", "select 2"]),
        ("create procedure p() begin if a then select 1; end if; select case b when 1 then 2 end; end; select 2",
         ["create procedure p() begin if a then select 1; end if; select case b when 1 then 2 end; end", "select 2"]),
        ("/*!40101 SET NAMES utf8 */;\nselect 1;", ["/*!40101 SET NAMES utf8 */", "select 1"]),
    ],
)  # fmt: skip
def test_mysql(script: str, expected: list[str]) -> None:
    assert texts(script, MYSQL) == expected


def test_sqlite() -> None:
    trigger = (
        "CREATE TRIGGER t AFTER INSERT ON x BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 END; DELETE FROM c; END"
    )
    assert texts(f"{trigger}; select [a;b];\n.tables\n", SQLITE) == [trigger, "select [a;b]", ".tables"]


@pytest.mark.parametrize(
    "half", ["select 'a", 'select "a', "select $$a", "/* a", "select 1 \\gexec", "select E'\\'"]
)
def test_what_never_ends_is_open(half: str) -> None:
    chunks = list(split_script(f"select 1;\n{half}", PG))
    assert [chunk.kind for chunk in chunks] == ["sql", "open"]
    statements = list(parse(f"select 1;\n{half}", PG))
    assert statements[-1].error and statements[-1].line == 2


def test_lines_and_comments() -> None:
    chunks = list(split_script("-- first\n\nselect 1;\n/* second\n */ select 2;", PG))
    assert [(chunk.line, chunk.comments.strip()) for chunk in chunks] == [
        (3, "-- first"),
        (5, "/* second\n */"),
    ]


@given(st.text(alphabet="ab'\"`$;()\\-*/# \n\tE[]", max_size=60), st.sampled_from(list(Engine)))
def test_any_text_is_cut_into_pieces_of_itself(script: str, engine: Engine) -> None:
    position = 0
    for chunk in split_script(script, engine):
        assert chunk.start >= position
        assert script[chunk.start : chunk.start + len(chunk.sql)] == chunk.sql
        assert chunk.line == script.count("\n", 0, chunk.start) + 1
        position = chunk.start + len(chunk.sql)


@given(st.text(max_size=80), st.sampled_from(list(Engine)))
def test_any_text_is_understood_or_not_but_never_breaks(script: str, engine: Engine) -> None:
    for statement in parse(script, engine):
        assert statement.actions or statement.error


_DDL = """
    ALTER TABLE t ADD DROP COLUMN a int , ( ) NOT NULL DEFAULT 3 'x' CONSTRAINT c CHECK PRIMARY KEY FOREIGN REFERENCES
    CREATE INDEX ON UNIQUE MODIFY CHANGE b PARTITION BY RENAME TO SET TYPE ; ENGINE = UPDATE WHERE DELETE FROM PRAGMA
    BEGIN VIEW AS SELECT ALGORITHM"""
_WORDS = st.sampled_from(_DDL.split())


@given(st.lists(_WORDS, max_size=14), st.sampled_from(list(Engine)))
def test_half_statements_never_break(words: list[str], engine: Engine) -> None:
    for statement in parse(" ".join(words), engine):
        assert bool(statement.actions) != bool(statement.error)
