from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.engines.mongodb.script import split


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("db.a.find({}); db.b.find()", ["db.a.find({})", "db.b.find()"]),
        ("db.a.find({\n  x: 1\n})\n  .limit(5)\ndb.b.find()", ["db.a.find({\n  x: 1\n})\n  .limit(5)", "db.b.find()"]),
        ('{"find": "a;b"}\n\n{"ping": 1}', ['{"find": "a;b"}', '{"ping": 1}']),
        ('db.a.find({x: "db\\"\\n{"})\n// db.c.find()\ndb.b.find()',
         ['db.a.find({x: "db\\"\\n{"})', "db.b.find()"]),
        ("// nothing\n/* db.a.find() */", []),
        ('db["odd name"].find()', ['db["odd name"].find()']),
        ("", []),
    ],
)  # fmt: skip
def test_commands_are_told_apart_by_brackets_and_lines(text: str, found: list[str]) -> None:
    assert [one.text for one in split(text)] == found


@given(st.text(alphabet=" \nb;'\"`d{}()[]/*\\.", max_size=60))
def test_any_text_is_split_into_parts_of_itself_in_order(text: str) -> None:
    end = 0
    for one in split(text):
        assert text[one.start : one.end] == one.text
        assert one.text.strip()
        assert one.start >= end
        end = one.end
