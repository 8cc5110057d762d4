"""Values out of range, of the types of several engines."""

from __future__ import annotations

import pytest

from dbtui.model.statistics import ColumnStatistics
from dbtui.model.sweep import Parameter
from dbtui.plans.parameters import beyond, candidates


@pytest.mark.parametrize(
    ("value", "type_name", "below", "above"),
    [
        ("5", "integer", "-999995", "1000005"),
        ("2147483647", "integer", "0", "2147483647"),
        ("7", "smallint", "-32767", "32767"),
        ("7", "tinyint(1)", "-127", "127"),
        ("5", "int unsigned", "-999995", "1000005"),
        ("2024-01-01", "date", "0900-01-01", "9000-01-01"),
        ("2024-01-01 10:00:00", "datetime(6)", "0900-01-01", "9000-01-01"),
        ("2024-01-01 10:00:00", "timestamp without time zone", "0900-01-01", "9000-01-01"),
        ("abc", "text", "", "abc~~~"),
        ("abc", "character varying(20)", "", "abc~~~"),
        ("abc", "VARCHAR(20)", "", "abc~~~"),
        ("1.5", "numeric(10,2)", "-999998", "1000001"),
        ("10:00", "time without time zone", "00:00:00", "23:59:59.999999"),
        ("a", "mood", None, None),
        ("a", "enum('a','b')", None, None),
        ("t", "boolean", None, None),
    ],
)
def test_values_out_of_range(value: str, type_name: str, below: str | None, above: str | None) -> None:
    assert (beyond(value, type_name, -1), beyond(value, type_name, 1)) == (below, above)


def test_common_values_alone_are_tried_in_their_order_for_a_range() -> None:
    column = ColumnStatistics("n", "int", common=(("10", 0.5), ("9", 0.3), ("100", 0.2)))
    tried = [one.value for one in candidates(Parameter(1, "", "t", "n", "<"), column)]
    assert tried[1:-1] == ["9", "10", "100"]
