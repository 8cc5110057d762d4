"""Finding names by their letters."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.fuzzy import best, score

NAMES = [
    "public.orders", "public.order_items", "archive.orders_2019", "public.customer_order_audit",
    "sales.preorders", "public.obsolete_records_dump_error_ratio_sum", "public.users",
]  # fmt: skip
LETTERS = st.text("abcdO._", max_size=5)
WORDS = st.text("abcdO._", max_size=10)


def found(letters: str) -> list[str]:
    return [NAMES[position] for position in best(letters, NAMES)]


def test_the_order_of_matches() -> None:
    assert found("orders") == [
        "public.orders",
        "archive.orders_2019",
        "sales.preorders",
        "public.obsolete_records_dump_error_ratio_sum",
        "public.order_items",
    ]


@pytest.mark.parametrize(
    ("letters", "first"),
    [
        ("oi", "public.order_items"),
        ("coa", "public.customer_order_audit"),
        ("PUBLIC.USERS", "public.users"),
        ("arch ord", "archive.orders_2019"),
        ("ord", "public.orders"),
        ("2019", "archive.orders_2019"),
        ("usr", "public.users"),
    ],
)
def test_what_comes_first(letters: str, first: str) -> None:
    assert found(letters)[0] == first


def test_no_letters_and_no_match() -> None:
    assert best("", NAMES, 3) == [0, 1, 2]
    assert best("  ", NAMES, 3) == [0, 1, 2]
    assert best("zzz", NAMES) == []
    assert best("a", []) == []


@given(LETTERS, WORDS)
def test_matches_are_exactly_the_subsequences(letters: str, name: str) -> None:
    pattern = ".*".join(map(re.escape, letters.casefold()))
    assert (score(letters, name) is not None) == (re.search(pattern, name.casefold()) is not None)


@given(LETTERS, st.lists(WORDS, max_size=20), st.integers(1, 10))
def test_best_agrees_with_score(letters: str, names: list[str], limit: int) -> None:
    positions = best(letters, names, limit)
    assert len(positions) == len(set(positions)) <= limit
    if letters:
        points = [score(letters, names[position]) for position in positions]
        assert all(one is not None and other is not None and one >= other for one, other in pairwise(points))


def test_names_that_almost_match_do_not_blow_up() -> None:
    """A pattern that can match in many ways would need years for one of these."""
    names = ["a" * 63 + str(n) for n in range(1_000)]
    assert best("a" * 30 + "b", names) == []


def test_a_list_that_changed_is_read_anew() -> None:
    names = ["alpha"]
    assert best("alpha", names) == [0]
    names.append("beta")
    assert best("beta", names) == [1]
