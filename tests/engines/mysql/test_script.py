from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.engines.mysql.lex import Dialect
from dbtui.engines.mysql.script import split


def texts(text: str, dialect: Dialect | None = None) -> list[str]:
    return [one.text for one in split(text, dialect or Dialect())]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("select 1; select 2;", ["select 1", "select 2"]),
        (r"select 'it\'s; one'; select 2", [r"select 'it\'s; one'", "select 2"]),
        ('select "a;b"; select 2', ['select "a;b"', "select 2"]),
        ("select 1 # not; here\n; select 2", ["select 1", "select 2"]),
        ("select 1 -- not; here\n; select 2", ["select 1", "select 2"]),
        ("select 5--1; select 2", ["select 5--1", "select 2"]),
        ("select `a;b` from t;;", ["select `a;b` from t"]),
        ("# comments alone;\n", []),
        ("-- why\nselect 1", ["-- why\nselect 1"]),
        ("delimiter //\ncreate procedure p() begin select 1; end//\ndelimiter ;\nselect 2;",
         ["create procedure p() begin select 1; end", "select 2"]),
        ("DELIMITER $$\nselect 1; select 2$$\nselect 3$$", ["select 1; select 2", "select 3"]),
        ("DELIMITER $$\nbegin not atomic select 1; end$$", ["begin not atomic select 1; end"]),
        ("select 1; create trigger t before insert on x for each row begin\nset new.a = 1;\n"
         "if new.a then set new.b = 2; end if;\nend;\nselect 3",
         ["select 1", "create trigger t before insert on x for each row begin\nset new.a = 1;\n"
          "if new.a then set new.b = 2; end if;\nend", "select 3"]),
        ("select 'delimiter //'; select 2", ["select 'delimiter //'", "select 2"]),
    ],
)  # fmt: skip
def test_statements_end_where_the_mysql_client_ends_them(text: str, found: list[str]) -> None:
    assert texts(text) == found


def test_the_mode_of_the_session_decides_what_a_quote_is() -> None:
    text = r"select 'a\'; select 'b'"
    assert texts(text, Dialect(backslashes=False)) == [r"select 'a\'", "select 'b'"]


@given(st.text(alphabet=" \nab;'\"`#-/*\\$delimitr", max_size=60))
def test_any_text_is_split_into_parts_of_itself_in_order(text: str) -> None:
    end = 0
    for one in split(text):
        assert text[one.start : one.end] == one.text
        assert one.text.strip()
        assert one.start >= end
        end = one.end
