"""A plan as text: where it is for, how long a step takes, how it is undone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbtui.migrations.files import migration_file
from dbtui.migrations.planner import make
from dbtui.model.change import Range
from dbtui.model.migration import Engine
from dbtui.output.change_text import effect, plan_text, span, undoing

PLAN = make([migration_file("1.sql", "CREATE TABLE t (a INTEGER PRIMARY KEY)")], Engine.SQLITE)


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.001, 0.1, "1–100 ms"),
        (0.3, 7.0, "0.3–7 s"),
        (2.0, 100.0, "2–100 s"),
        (20.0, 420.0, "0.3–7 min"),
        (10_800.0, 72_000.0, "3–20 h"),
    ],
)
def test_a_range_has_the_unit_of_its_end(low: float, high: float, told: str) -> None:
    assert span(Range(low, high)) == told


def test_a_database_without_a_name_is_left_out() -> None:
    assert " for shop.db\n" in plan_text(replace(PLAN, server="shop.db"))
    assert " for shop on 7711\n" in plan_text(replace(PLAN, server="7711", database="shop"))


def test_the_way_back_is_one_line() -> None:
    step = replace(PLAN.steps[0], down=("CREATE TABLE t (\n  a int\n)", "DROP TABLE u"))
    assert undoing(step) == "undo: CREATE TABLE t ( a int ); DROP TABLE u"


def test_less_than_one_query_is_none() -> None:
    assert "up to 471 queries would queue" in effect(replace(PLAN.steps[0], waiting=Range(0.2, 471)))
    assert "3 to 471 queries would queue" in effect(replace(PLAN.steps[0], waiting=Range(3, 471)))


def test_nothing_is_claimed_of_what_was_not_understood() -> None:
    plan = make([migration_file("1.sql", "ALTR TABLE t")], Engine.POSTGRESQL)
    assert effect(plan.steps[0]).startswith("its locks are not known · reads and writes wait")
    assert undoing(plan.steps[0]) == "undo: not known"
    assert "\n1 step · " in plan_text(plan)
