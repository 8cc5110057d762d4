from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui import text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("größe 表 🙂", "größe 表 🙂"),
        ("a\x1b[31mred", "a␛[31mred"),
        ("\x9b31m", "\ufffd31m"),
        ("a\u202eb", "a\ufffdb"),
        ("zero\u200bwidth", "zero\ufffdwidth"),
        ("nul\x00", "nul␀"),
        ("lone\ud800", "lone\ufffd"),
        ("[bold]kept[/]", "[bold]kept[/]"),
    ],
)
def test_printable_disarms_what_a_terminal_would_obey(raw: str, shown: str) -> None:
    assert text.printable(raw) == shown


@given(st.text())
def test_nothing_that_a_terminal_obeys_survives(raw: str) -> None:
    shown = text.printable(raw)
    assert not any(
        c < " " or "\x7f" <= c <= "\x9f" or c in "\u200e\u200f\u202a\u202b\u202c\u202d\u202e" for c in shown
    )
    assert text.printable(shown) == shown


@given(st.text(), st.integers(1, 50))
def test_one_line_is_one_line_within_its_limit(raw: str, limit: int) -> None:
    line = text.one_line(raw, limit)
    assert "\n" not in line
    assert len(line) <= limit


def test_newlines_are_kept_where_lines_are_shown() -> None:
    assert text.printable("a\nb\x1b\r\nc", keep_newlines=True) == "a\nb␛\nc"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (7, "7"),
        (987, "987"),
        (999.6, "1.0k"),
        (12_345, "12.3k"),
        (1_500_000, "1.5M"),
        (None, ""),
        (-4200, "-4.2k"),
    ],
)
def test_count(value: float | None, shown: str) -> None:
    assert text.count(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (812, "812 B"),
        (4096, "4.0 kB"),
        (1023.96 * 1024, "1.0 MB"),
        (1.2 * 2**30, "1.2 GB"),
        (2**60, "1024 PB"),
        (None, ""),
    ],
)
def test_size(value: float | None, shown: str) -> None:
    assert text.size(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "00:00:00"), (-3, "00:00:00"), (3661.9, "01:01:01"), (90061, "1d 01:01"), (None, "")],
)
def test_duration(seconds: float | None, shown: str) -> None:
    assert text.duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.123, "0.12 ms"), (9.994, "9.99 ms"), (9.996, "10.0 ms"), (345.6, "346 ms"), (1204, "1.20 s"),
        (12_040, "12.0 s"), (125_000, "2m05s"), (11_220_000, "3h07m"), (None, ""), (-5, "-5.00 ms"),
    ],
)  # fmt: skip
def test_milliseconds(value: float | None, shown: str) -> None:
    assert text.milliseconds(value) == shown


@given(st.floats(0, 1e18))
def test_figures_never_jitter_in_width(value: float) -> None:
    assert len(text.count(value)) <= 7
    assert len(text.size(value)) <= 8
