"""A window on a long list: the arithmetic of cursor and scrolling."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dbtui.tui.widgets.viewport import Viewport

MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(-5, 120)),
        st.tuples(st.just("scroll"), st.integers(-50, 50)),
        st.tuples(st.just("count"), st.integers(0, 100)),
        st.tuples(st.just("height"), st.integers(0, 30)),
    ),
    max_size=30,
)


@given(MOVES)
def test_cursor_and_window_stay_inside_whatever_happens(moves: list[tuple[str, int]]) -> None:
    view = Viewport(50, 10)
    for what, value in moves:
        if what == "move":
            view.move_to(value)
            assert view.shows_cursor
        elif what == "scroll":
            view.scroll(value)
        else:
            count, height = (value, view.height) if what == "count" else (view.count, value)
            view.resize(count, height)
        assert 0 <= view.top <= view.limit or view.height == 0
        assert 0 <= view.cursor < max(1, view.count)
        assert len(view.lines) <= view.height
        thumb = view.thumb()
        assert 0 <= thumb.start <= thumb.stop <= view.height


def test_follows_the_cursor_by_as_little_as_it_can() -> None:
    view = Viewport(100, 10)
    view.move_to(9)
    assert view.top == 0
    view.move_to(10)
    assert view.top == 1
    view.move_to(5)
    assert view.top == 1
    view.move_to(0)
    assert view.top == 0


def test_a_cursor_scrolled_out_of_sight_is_not_fetched_back_by_a_resize() -> None:
    view = Viewport(100, 10)
    view.scroll(50)
    view.resize(120, 10)
    assert (view.top, view.cursor) == (50, 0)


def test_a_cursor_in_sight_stays_in_sight_when_the_window_shrinks() -> None:
    view = Viewport(100, 20)
    view.move_to(19)
    view.resize(100, 5)
    assert view.shows_cursor


def test_the_thumb_spans_its_part_and_reaches_both_ends() -> None:
    view = Viewport(100, 10)
    assert view.thumb() == range(1)
    view.scroll(1000)
    assert view.thumb() == range(9, 10)
    assert Viewport(10, 10).thumb() == range(0)
    assert view.top_at(0) == 0
    assert view.top_at(9) == view.limit
