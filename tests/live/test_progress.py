from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dbtui.live.progress import Pace, Paces
from dbtui.model.activity import Progress


def at(done: float, phase: str = "building", total: float | None = 1000.0) -> Progress:
    return Progress("7", "CREATE INDEX", phase, "orders", done, total, "blocks")


def run(paces: Paces, *points: tuple[float, float]) -> Pace:
    for when, done in points:
        (pace,) = paces.take(when, [at(done)])
    return pace


def test_nothing_is_foretold_from_one_look() -> None:
    assert run(Paces(), (0, 10)) == Pace(at(10))
    assert run(Paces(), (0, 10), (1, 20)).speed is None, "a second is no measure"


def test_an_even_speed_gives_a_range_around_it() -> None:
    pace = run(Paces(), *((float(t), t * 10.0) for t in range(0, 40, 4)))
    assert pace.speed == 10.0 and pace.share == 0.36
    assert pace.least is not None and pace.most is not None
    assert pace.least < 64 < pace.most and round(pace.most / pace.least, 2) == 2.25


def test_an_uneven_speed_gives_a_wider_range() -> None:
    slowing = run(Paces(), *((float(t), 300 * (1 - 0.9 ** (t / 4))) for t in range(0, 80, 4)))
    assert slowing.least is not None and slowing.most is not None
    assert slowing.most / slowing.least > 3


def test_what_stands_still_has_an_open_end() -> None:
    paces = Paces()
    pace = run(paces, *((float(t), min(t, 20) * 10.0) for t in range(0, 90, 5)))
    assert pace.most is None and pace.least is not None
    assert run(paces, *((float(t), 200.0) for t in range(90, 400, 10))).speed == 0.0


def test_a_new_phase_and_a_step_back_begin_anew() -> None:
    paces = Paces()
    run(paces, (0, 0), (10, 100))
    (pace,) = paces.take(20, [at(5, "sorting")])
    assert pace.speed is None
    assert run(paces, (30, 50), (40, 2)).speed is None


def test_without_a_total_only_the_speed_is_told() -> None:
    paces = Paces()
    paces.take(0, [at(0, total=None)])
    (pace,) = paces.take(10, [at(50, total=None)])
    assert (pace.speed, pace.least, pace.most, pace.share) == (5.0, None, None, None)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e9)), max_size=60))
def test_any_course_gives_a_range_that_is_one(points: list[tuple[float, float]]) -> None:
    paces = Paces()
    for when, done in points:
        (pace,) = paces.take(when, [at(done)])
        assert pace.least is None or pace.least >= 0
        assert pace.most is None or pace.least is None or pace.least <= pace.most
