"""What is known of a column's values, where a server keeps no statistics of the planner's shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from dbtui.model.statistics import ColumnStatistics

SAMPLE_ROWS = 20_000
SAMPLE_LIMIT = 5.0  # seconds
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.I)
_KEPT = 100  # common values, and values of the histogram
_FREQUENT = 1.25  # times the average count from which on a value is common, as PostgreSQL's ANALYZE has it


class Bucket(NamedTuple):
    """A part of a histogram, both ends included; `share` of the table is in it."""

    low: str
    high: str
    share: float
    distinct: float


def of_histogram(
    name: str, type_name: str, buckets: Sequence[Bucket], null_share: float = 0.0
) -> ColumnStatistics:
    """Buckets of one value are common values, the ends of the others are the bounds."""
    wide = [bucket for bucket in buckets if bucket.distinct > 1]
    single = sorted((bucket for bucket in buckets if bucket.distinct <= 1), key=lambda bucket: -bucket.share)
    ends = [bucket.low for bucket in wide] + [bucket.high for bucket in wide[-1:]]
    return ColumnStatistics(
        name,
        type_name,
        null_share,
        sum(max(1.0, bucket.distinct) for bucket in buckets),
        tuple((bucket.low, bucket.share) for bucket in single),
        tuple(dict.fromkeys(ends)),
    )


def of_counts(
    name: str, type_name: str, counts: Iterable[tuple[str | None, int]], distinct: float | None = None
) -> ColumnStatistics:
    """Of a sample: its values in the server's order, each with how often it was met; None is NULL."""
    found = list(counts)
    rows = sum(count for _, count in found) or 1
    nulls = sum(count for value, count in found if value is None)
    values = [(value, count) for value, count in found if value is not None]
    average = (rows - nulls) / max(1, len(values))
    frequent = sorted((one for one in values if one[1] > _FREQUENT * average), key=lambda one: -one[1])
    common = {value: count / rows for value, count in (values if len(values) <= _KEPT else frequent)[:_KEPT]}
    rest = [(value, count) for value, count in values if value not in common]
    return ColumnStatistics(
        name,
        type_name,
        nulls / rows,
        distinct or float(len(values)),
        tuple(sorted(common.items(), key=lambda one: -one[1])),
        _bounds(rest),
    )


def _bounds(values: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """Values that part the sample into portions of equal size."""
    if not values:
        return ()
    whole = sum(count for _, count in values)
    portions: dict[int, str] = {}
    for (value, _), reached in zip(values, accumulate(count for _, count in values), strict=True):
        portions.setdefault(reached * _KEPT // whole, value)
    return tuple(dict.fromkeys((values[0][0], *portions.values(), values[-1][0])))
