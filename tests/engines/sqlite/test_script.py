from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.engines.sqlite.script import split

_TRIGGER = "create trigger t after insert on a begin\n  delete from b; update c set d = case e when 1 then 2 end;\nend"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("select 1; select 2;", ["select 1", "select 2"]),
        (
            "select 'a;b', \"c;d\", `e;f`, [g;h]; select 2",
            ["select 'a;b', \"c;d\", `e;f`, [g;h]", "select 2"],
        ),
        (r"select 'a\'; select 'b'", [r"select 'a\'", "select 'b'"]),
        ("select 1 -- no; end\n; /* none; here */ select 2", ["select 1", "/* none; here */ select 2"]),
        (f"{_TRIGGER}; select 1", [_TRIGGER, "select 1"]),
        ("-- alone;", []),
        (";;", []),
    ],
)
def test_statements_end_where_sqlite_ends_them(text: str, found: list[str]) -> None:
    assert [one.text for one in split(text)] == found


@given(st.text(alphabet=" \nab;'\"`[]-/*\\", max_size=60))
def test_any_text_is_split_into_parts_of_itself_in_order(text: str) -> None:
    end = 0
    for one in split(text):
        assert text[one.start : one.end] == one.text
        assert one.text.strip()
        assert one.start >= end
        end = one.end
