"""Statistics of a column out of counts and histograms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.engines.samples import Bucket, of_counts, of_histogram


def test_what_is_frequent_in_a_sample_is_common_and_the_rest_is_the_histogram() -> None:
    counts = [(None, 10), *((f"v{n:03}", 1) for n in range(400)), ("w", 590)]
    found = of_counts("c", "text", counts, 5000.0)
    assert found.common == (("w", 0.59),)
    assert found.null_share == pytest.approx(0.01) and found.distinct == 5000.0
    assert (found.bounds[0], found.bounds[-1]) == ("v000", "v399") and 90 <= len(found.bounds) <= 102


def test_few_values_are_all_common() -> None:
    found = of_counts("c", "int", [("1", 5), ("2", 15)])
    assert found.common == (("2", 0.75), ("1", 0.25)) and found.bounds == () and found.distinct == 2


@given(st.lists(st.tuples(st.none() | st.text(max_size=3), st.integers(1, 50)), max_size=300))
def test_shares_of_any_sample_are_shares(counts: list[tuple[str | None, int]]) -> None:
    found = of_counts("c", "text", counts)
    assert 0 <= found.null_share <= 1
    assert 0 <= sum(share for _, share in found.common) <= 1.000001
    assert not {value for value, _ in found.common} & set(found.bounds)


def test_buckets_of_one_value_are_common_values() -> None:
    found = of_histogram(
        "c", "int", [Bucket("1", "1", 0.7, 1), Bucket("2", "5", 0.1, 4), Bucket("6", "9", 0.2, 3)]
    )
    assert found.common == (("1", 0.7),) and found.bounds == ("2", "6", "9") and found.distinct == 8
