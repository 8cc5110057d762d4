from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.sql.split import split, statement_at
from tests.sql.texts import ANYTHING, WHOLE


@given(ANYTHING)
def test_statements_are_pieces_of_the_text_in_order(text: str) -> None:
    found = split(text)
    assert all(text[s.start : s.end] == s.text and s.text.strip() for s in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@given(st.lists(WHOLE.filter(lambda s: len(split(s)) == 1), max_size=5))
def test_joined_statements_come_apart_again(parts: list[str]) -> None:
    found = split("\n;\n".join(parts))
    assert len(found) == len(parts)
    assert all(s.text.strip() in part for s, part in zip(found, parts, strict=True))


@given(ANYTHING, st.integers(0, 70))
def test_a_statement_under_the_cursor_is_one_of_the_statements(text: str, offset: int) -> None:
    found = statement_at(text, min(offset, len(text)))
    assert found in split(text) if found else split(text) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1; select 2", ["select 1", "select 2"]),
        (" ;; select ';' ; ", ["select ';'"]),
        ("select $$;$$, E'\\';', \";\" -- ;\n; x", ['select $$;$$, E\'\\\';\', ";"', "x"]),
        ("-- note\nselect 1;", ["-- note\nselect 1"]),
        ("-- only a note", []),
        ("create rule r as on insert to t do (select 1; select 2); select 3",
         ["create rule r as on insert to t do (select 1; select 2)", "select 3"]),
        ("create or replace function f() begin atomic select case when true then 1 end; end; select 2",
         ["create or replace function f() begin atomic select case when true then 1 end; end", "select 2"]),
        ("begin; select 1; end", ["begin", "select 1", "end"]),
        ("\\d foo\nselect 1 \\g\nselect 2", ["\\d foo", "select 1", "\\g", "select 2"]),
        ("copy t from stdin;\n1;\t2\n\\.\nselect 1;", ["copy t from stdin", "select 1"]),
        ("copy t (a) from stdin;\n\\.\nselect 1;", ["copy t (a) from stdin", "select 1"]),
        ("select 1)) ; select 2", ["select 1))", "select 2"]),
    ],
)  # fmt: skip
def test_where_statements_end(text: str, expected: list[str]) -> None:
    assert [s.text for s in split(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sel|ect 1; select 2", "select 1"),
        ("select 1|; select 2", "select 1"),
        ("select 1;| select 2", "select 1"),
        ("select 1;\n|\nselect 2", "select 1"),
        ("select 1;\n  | select 2", "select 2"),
        ("select 1; select 2;  \n\n|", "select 2"),
        ("|\n\nselect 1", "select 1"),
        ("|", None),
    ],
)
def test_the_statement_under_the_cursor(text: str, expected: str | None) -> None:
    found = statement_at(text.replace("|", ""), text.index("|"))
    assert (found.text if found else None) == expected


def test_a_psql_command_is_marked_and_lines_are_counted() -> None:
    text = "select 1;\n\n\\d t\n"
    one, two = split(text)
    assert (one.command, two.command) == (False, True)
    assert (one.line(text), two.line(text)) == (1, 3)
