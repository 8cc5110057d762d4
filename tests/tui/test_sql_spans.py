"""Colouring SQL by lines: what is left open by one line is known to the next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.tui.widgets.sql_spans import START, Dialect, Part, State, dialect_of, spans

POSTGRES, MYSQL, SQLITE = dialect_of("postgres"), dialect_of("mysql"), dialect_of("sqlite")


def parts(text: str, dialect: Dialect = POSTGRES) -> tuple[list[tuple[str, str]], State]:
    """(stretch, part) over all lines, and the state that the last leaves."""
    found, state = [], START
    for line in text.split("\n"):
        made, state = spans(line, state, dialect)
        found += [(line[start:end], part.value) for start, end, part in made]
    return found, state


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("select 1 -- no 'string", [("select", "keyword"), ("1", "number"), ("-- no 'string", "comment")]),
        ("'it''s' x", [("'it'", "string"), ("'s'", "string")]),
        ("'two\nlines' 1", [("'two", "string"), ("lines'", "string"), ("1", "number")]),
        (r"E'a\'b' 1", [(r"E'a\'b'", "string"), ("1", "number")]),
        (r"'a\' 1", [(r"'a\'", "string"), ("1", "number")]),
        ('"a -- b" 1', [('"a -- b"', "name"), ("1", "number")]),
        ("/* a /* b */ c\n*/ 1", [("/* a /* b */ c", "comment"), ("*/", "comment"), ("1", "number")]),
        ("$x$ '\n' $y$ $x$ 1", [("$x$ '", "string"), ("' $y$ $x$", "string"), ("1", "number")]),
        ("t.name, t.id", []),
        (
            "do $$ begin\nend $$ ; 1",
            [
                ("do", "keyword"), ("$$", "string"), ("begin", "keyword"), ("end", "keyword"), ("$$", "string"),
                ("1", "number"),
            ],
        ),
        (
            "as $f$ select 'x;\ny' -- '\n$f$",
            [
                ("as", "keyword"), ("$f$", "string"), ("select", "keyword"), ("'x;", "string"), ("y'", "string"),
                ("-- '", "comment"), ("$f$", "string"),
            ],
        ),
    ],
)  # fmt: skip
def test_postgres(text: str, found: list[tuple[str, str]]) -> None:
    made, state = parts(text)
    assert made == found
    assert state == START


def test_what_stays_open() -> None:
    assert parts("select 'abc")[1].until == "'"
    assert parts("/* a /* b */")[1] == State("*/", 1)
    assert parts("do $x$ 'a")[1] == State("'", 0, False, "$x$")


def test_mysql_has_its_own_signs() -> None:
    assert parts("`a'b` # 'c", MYSQL)[0] == [("`a'b`", "name"), ("# 'c", "comment")]
    assert parts(r"'a\'b' 1", MYSQL)[0] == [(r"'a\'b'", "string"), ("1", "number")]
    assert parts("/* a /* b */ 1", MYSQL)[0] == [("/* a /* b */", "comment"), ("1", "number")]
    assert parts("$$ 1", MYSQL)[0] == [("1", "number")]
    assert parts("`a'b` 1", SQLITE)[0] == [("`a'b`", "name"), ("1", "number")]


def test_an_engine_without_sql_gets_plain_sql() -> None:
    assert parts("select 'x'", dialect_of("redis"))[0] == [("select", "keyword"), ("'x'", "string")]


PIECES = st.lists(
    st.sampled_from(
        [
            "'",
            '"',
            "`",
            "--",
            "/*",
            "*/",
            "$$",
            "$a$",
            "\\",
            "E'",
            "do ",
            "as ",
            "select ",
            "x",
            "1",
            "\n",
            " ",
        ]
    ),
    max_size=40,
).map("".join)


@given(PIECES, st.sampled_from([POSTGRES, MYSQL, SQLITE]))
def test_parts_are_in_order_and_inside_the_line(text: str, dialect: Dialect) -> None:
    state = START
    for line in text.split("\n"):
        made, state = spans(line, state, dialect)
        at = 0
        for start, end, part in made:
            assert at <= start <= end <= len(line)
            assert isinstance(part, Part)
            at = end


@given(st.text(max_size=60))
def test_any_line_is_read(line: str) -> None:
    spans(line, START, POSTGRES)
