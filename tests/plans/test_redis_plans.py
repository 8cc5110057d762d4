"""Commands of Redis and Valkey, and FT.EXPLAIN: the answers are as the search module's manual has them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.errors import InputError
from dbtui.plans import parse

SEARCH = """INTERSECT {
  UNION {
    tea
    +tea(expanded)
  }
  @price:NUMERIC {10.000000 <= @price <= 20.000000}
}
"""


def test_a_search_is_a_tree_of_braces() -> None:
    plan = parse(SEARCH)
    assert plan.format == "redis-search"
    assert [(node.depth, node.label) for node in plan.nodes] == [
        (0, "INTERSECT"), (1, "UNION"), (2, "tea"), (2, "+tea(expanded)"),
        (1, "@price:NUMERIC {10.000000 <= @price <= 20.000000}"),
    ]  # fmt: skip


def test_a_search_for_one_word_is_a_tree_too() -> None:
    assert [node.label for node in parse("FT.EXPLAIN {\ntea\n}").nodes] == ["FT.EXPLAIN", "tea"]


@pytest.mark.parametrize(
    "text", ['{"command": "GET", "keys": [3]}', '{"command": "GET"', '{"command": "G", "counted": 1}']
)
def test_what_is_no_such_text_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse(text)


@given(
    st.dictionaries(
        st.sampled_from(["complexity", "counted", "keys", "summary"]), st.text(max_size=9) | st.none()
    )
)
def test_no_text_breaks_it(told: dict[str, object]) -> None:
    try:
        plan = parse(json.dumps({"command": "GET", **told}))
    except InputError:
        return
    assert plan.nodes[0].label == "GET"
