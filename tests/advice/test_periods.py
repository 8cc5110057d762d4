"""Periods that partitions are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.advice.periods import PERIODS, Period, fitting

MOMENTS = st.integers(600_000_000, 3_700_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(MOMENTS, st.sampled_from(PERIODS))
def test_periods_follow_each_other_without_a_gap(moment: datetime, period: Period) -> None:
    beginning = period.begin(moment)
    end = period.after(beginning)
    assert beginning <= moment < end
    assert period.begin(end) == end
    assert period.begin(end - timedelta(microseconds=1)) == beginning
    assert period.label(beginning) != period.label(end)


@pytest.mark.parametrize(
    ("kept", "per_day", "name"),
    [
        (4000, 1e6, "year"),
        (1500, 1e6, "quarter"),
        (365, 1e6, "month"),
        (90, 1e6, "week"),
        (20, 1e6, "day"),
        (3, 1e6, "day"),
        (1500, 2e9, "week"),  # a quarter would be 180 GB, a month 60 GB
        (20_000, 2e12, "quarter"),  # months would be 658
    ],
)
def test_the_longest_of_which_ten_are_kept(kept: float, per_day: float, name: str) -> None:
    assert fitting(kept, per_day).name == name
