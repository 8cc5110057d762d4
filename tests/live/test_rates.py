from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from dbtui.live.backoff import Backoff
from dbtui.live.history import History
from dbtui.live.rates import Readings, advance, deltas, measure
from dbtui.model.activity import Statement, Statements
from dbtui.model.snapshot import Metric

TPS = Metric("tps", "TPS", "rate", ("commits", "rollbacks"))
HITS = Metric("cache", "Cache", "ratio", ("hit",), ("read",))
LOAD = Metric("load", "Load", "gauge", ("active",))


def after(*samples: tuple[dict[str, float], float]) -> Readings:
    readings: Readings = {}
    for values, at in samples:
        readings = advance(readings, values, at)
    return readings


def test_a_rate_is_growth_over_time() -> None:
    readings = after(({"commits": 10, "rollbacks": 1}, 100.0), ({"commits": 30, "rollbacks": 3}, 104.0))
    assert measure(TPS, readings) == 5.5


def test_one_sample_makes_a_gauge_and_no_rate() -> None:
    readings = after(({"commits": 10, "rollbacks": 1, "active": 4, "hit": 5, "read": 5}, 100.0))
    assert measure(LOAD, readings) == 4
    assert measure(TPS, readings) is None and measure(HITS, readings) is None


def test_a_counter_that_went_backwards_makes_no_figure() -> None:
    reset = after(({"commits": 10, "rollbacks": 1}, 100.0), ({"commits": 2, "rollbacks": 1}, 102.0))
    assert measure(TPS, reset) is None
    assert measure(TPS, advance(reset, {"commits": 8, "rollbacks": 1}, 104.0)) == 3.0


def test_a_clock_that_did_not_move_forward_makes_no_rate() -> None:
    for later in (100.0, 40.0):
        readings = after(({"commits": 1, "rollbacks": 0}, 100.0), ({"commits": 9, "rollbacks": 0}, later))
        assert measure(TPS, readings) is None


def test_a_ratio_of_nothing_is_none() -> None:
    still = after(({"hit": 7, "read": 1}, 1.0), ({"hit": 7, "read": 1}, 2.0))
    assert measure(HITS, still) is None
    assert measure(HITS, advance(still, {"hit": 10, "read": 2}, 3.0)) == 0.75


def test_a_counter_that_is_asked_for_less_often_keeps_its_own_time() -> None:
    slow = Metric("slow", "Slow", "rate", ("slow",))
    readings = after(
        ({"slow": 0}, 0.0),
        ({"commits": 1, "rollbacks": 0}, 2.0),
        ({"slow": 50}, 10.0),
        ({"commits": 2}, 12.0),
    )
    assert measure(slow, readings) == 5.0


def test_a_missing_counter_makes_no_figure() -> None:
    assert measure(LOAD, {}) is None
    assert measure(TPS, after(({"commits": 1}, 1.0), ({"commits": 2}, 2.0))) is None


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12), st.floats(0, 10**9)), max_size=8))
def test_no_history_of_counters_makes_an_impossible_figure(samples: list[tuple[int, int, float]]) -> None:
    readings: Readings = {}
    for hit, read, at in samples:
        readings = advance(readings, {"hit": hit, "read": read, "commits": hit, "rollbacks": read}, at)
        rate, ratio = measure(TPS, readings), measure(HITS, readings)
        assert rate is None or (rate >= 0 and not math.isnan(rate))
        assert ratio is None or 0 <= ratio <= 1


def statement(id_: str, calls: int, ms: float, rows: int | None = None) -> Statement:
    return Statement(
        id=id_, query_id=id_, database="d", user="u", query=id_, calls=calls, total_ms=ms, rows=rows
    )


def made(*found: Statement, reset: str = "then", source: str = "counters") -> Statements:
    return Statements(found, source, reset=reset)


def test_statements_by_difference_most_time_first() -> None:
    before = made(statement("a", 5, 50.0, 5), statement("idle", 1, 1.0), statement("b", 1, 10.0))
    now = made(statement("a", 9, 60.0, 25), statement("idle", 1, 1.0), statement("b", 2, 40.0))
    first, second = deltas(before, now, 5.0)
    assert (first.statement.id, first.calls, first.total_ms, first.share) == ("b", 1, 30.0, 0.75)
    assert (second.statement.id, second.calls, second.rows, second.mean_ms) == ("a", 4, 20, 2.5)


def test_new_evicted_and_reset_entries_count_from_their_beginning() -> None:
    before = made(statement("evicted", 100, 900.0), statement("gone", 5, 5.0))
    now = made(statement("evicted", 3, 7.0), statement("new", 2, 4.0))
    assert {d.statement.id: (d.calls, d.total_ms) for d in deltas(before, now, 5.0)} == {
        "evicted": (3, 7.0),
        "new": (2, 4.0),
    }
    (again,) = deltas(made(statement("a", 1, 1.0)), made(statement("a", 6, 6.0), reset="now"), 5.0)
    assert again.calls == 6


def test_no_difference_between_sources_or_without_time() -> None:
    before, now = made(statement("a", 1, 1.0)), made(statement("a", 2, 2.0))
    assert deltas(before, now, 0.0) == () == deltas(before, now, -3.0)
    assert deltas(made(statement("a", 1, 1.0), source="sampled activity"), now, 5.0) == ()


counts = st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(0, 99), st.floats(0, 1e6)))


@given(counts, counts)
def test_shares_add_up_and_nothing_is_negative(
    before: dict[str, tuple[int, float]], now: dict[str, tuple[int, float]]
) -> None:
    found = deltas(
        made(*(statement(k, *v) for k, v in before.items())),
        made(*(statement(k, *v) for k, v in now.items())),
        1.0,
    )
    assert all(d.calls >= 0 and d.total_ms >= 0 for d in found)
    total = sum(d.share for d in found)
    assert not any(d.total_ms for d in found) or math.isclose(total, 1.0)


def test_history_keeps_half_an_hour_and_no_more() -> None:
    history = History(span=10.0, capacity=100)
    for second in range(30):
        history.add(float(second), {"a": float(second)})
    assert history.series("a") == tuple(float(n) for n in range(19, 30))
    assert history.series("a", 2) == (28.0, 29.0)
    assert history.times()[0] == 19.0 and history.at("a", 25.4) == 26.0 and history.at("a", 99.0) == 29.0
    assert history.series("unknown") == () and history.at("unknown", 1.0) is None


def test_history_has_a_fixed_capacity_and_lines_up_its_metrics() -> None:
    history = History(span=1e9, capacity=4)
    for second in range(6):
        history.add(float(second), {"a": 1.0} if second < 5 else {"a": 1.0, "late": 2.0})
    history.add(6.0, {})
    assert history.series("a") == (1.0, 1.0, 1.0, None)
    assert history.series("late") == (None, None, 2.0, None)
    assert len(history.times()) == 4


def test_a_clock_set_back_starts_the_history_anew() -> None:
    history = History()
    history.add(1000.0, {"a": 1.0})
    history.add(400.0, {"a": 2.0})
    assert history.series("a") == (2.0,) and history.times() == (400.0,)


def test_pauses_double_up_to_a_limit_and_differ() -> None:
    backoff = Backoff(1.0, 8.0, chance=lambda: 1.0)
    assert [backoff.failed() for _ in range(5)] == [1.0, 2.0, 4.0, 8.0, 8.0]
    backoff.succeeded()
    assert backoff.failed() == 1.0
    assert Backoff(4.0, 8.0, chance=lambda: 0.0).failed() == 2.0
    many = Backoff(0.5, 30.0)
    assert len({many.failed() for _ in range(50)}) > 10 and all(
        15.0 <= many.failed() <= 30.0 for _ in range(5000)
    )
