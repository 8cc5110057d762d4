"""Text in cells: harmless, and exactly as wide as it should be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dbtui.tui.widgets.cells import fit, tidy, wrapped


@given(st.text(), st.integers(0, 40), st.booleans())
def test_any_text_becomes_one_line_of_the_width(text: str, width: int, right: bool) -> None:
    shown = fit(text, width, right=right)
    assert cell_len(shown) == width
    assert not set(shown) & {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))}


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("orders", 8, "orders  "),
        ("orders", 6, "orders"),
        ("orders", 4, "ord…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日 …"),
        ("e\u0301", 3, "e\u0301  "),
        ("❤️", 3, "❤  "),
        ("select\n  1", 12, "select 1    "),
        ("  ├ 4711", 9, "  ├ 4711 "),
        ("  select\n1", 12, "  select 1  "),
        ("\x1b[31m", 6, "␛[31m "),
    ],
)
def test_fit(text: str, width: int, shown: str) -> None:
    assert fit(text, width) == shown


def test_numbers_stand_at_the_right() -> None:
    assert fit("12", 5, right=True) == "   12"


def test_a_huge_text_is_cut_before_it_is_looked_at() -> None:
    assert len(tidy("x" * 1_000_000, 20)) < 200
    assert tidy("\n" * 1_000 + "select 1" + " " * 1_000, 20).startswith("select 1")


def test_a_long_line_is_broken_between_its_words() -> None:
    assert wrapped("one two three four five", 20) == ["one two three four", "five"]
    assert wrapped("  R  whether it could be written", 24) == ["  R  whether it could be", "  written"]
    assert wrapped("", 20) == [""]
