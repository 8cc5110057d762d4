"""The quietest hour of a day, by what was recorded."""

from __future__ import annotations

import time

from dbtui.migrations.window import quietest, window_of


def moment(hour: int) -> float:
    return time.mktime((2026, 3, 2, hour, 30, 0, 0, 0, -1))


def test_the_hour_with_the_least_load() -> None:
    points = [(moment(hour), 100.0 + hour) for hour in range(24)] + [(moment(4), 0.0), (moment(4) + 60, 4.0)]
    found = quietest(points, "tx/s")
    assert found is not None
    assert found.hour == 4
    assert str(found) == "quietest from 04:00 to 05:00: tx/s 36 against 109"


def test_half_a_day_is_too_little_to_tell() -> None:
    assert quietest([(moment(hour), 1.0) for hour in range(11)]) is None
    assert window_of("a server that nobody has recorded") is None
