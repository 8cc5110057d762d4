"""Charts: the scale, gaps, and what is sent."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.geometry import Region

from dbtui.tui.widgets.chart import Chart, Plot, bars
from dbtui.tui.widgets.roles import ASCII, UNICODE, Role, use_glyphs
from tests.tui.golden import screen_text

SIGNS = UNICODE.bars
FIGURES = st.lists(st.one_of(st.none(), st.floats(0, 1e12)), max_size=60)


@given(FIGURES, st.integers(1, 40), st.integers(1, 5), st.one_of(st.none(), st.floats(0.1, 1e6)))
def test_every_line_has_the_width(
    values: list[float | None], width: int, height: int, limit: float | None
) -> None:
    lines = bars(values, width, height, limit, SIGNS)
    assert len(lines) == height
    assert {len(line) for line in lines} == {width}
    for n, value in enumerate(reversed(values[-width:])):
        assert (lines[-1][-1 - n] == " ") == (value is None)


@pytest.mark.parametrize(
    ("values", "limit", "lines"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7, 8], None, ("▁▁▂▃▄▅▆▇█",)),
        ([4, None, 8], None, ("▄ █",)),
        ([50, 100], 200, ("▂▄",)),
        ([300], 200, ("█",)),
        ([0, 0], None, ("▁▁",)),
        ([8, 16], None, (" █", "██")),
        ([9, 16], None, ("▁█", "██")),
    ],
)
def test_scale(values: Sequence[float | None], limit: float | None, lines: tuple[str, ...]) -> None:
    assert bars(values, len(values), len(lines), limit, SIGNS) == lines


class OneChart(App[None]):
    def __init__(self, height: int) -> None:
        super().__init__()
        self.high = height

    def compose(self) -> ComposeResult:
        chart = Chart("Replica lag", limit=8)
        chart.styles.height = self.high
        yield chart

    @property
    def chart(self) -> Chart:
        return self.query_one(Chart)


async def test_framed() -> None:
    app = OneChart(5)
    async with app.run_test(size=(30, 5)) as pilot:
        app.chart.set_series([1, 2, 4, 8], "14.2 s ▲", Role.WARN)
        await pilot.pause()
        assert screen_text(app).splitlines() == [
            "╭─ Replica lag ── 14.2 s ▲ ─╮".replace("── 14", "─── 14"),
            "│                          █ │",
            "│                         ▄█ │",
            "│                       ▃▆██ │",
            "╰────────────────────────────╯",
        ]


async def test_one_line_where_there_is_no_room() -> None:
    app = OneChart(1)
    async with app.run_test(size=(30, 1)) as pilot:
        app.chart.set_series([1, 2, 4, 8], "14.2 s", Role.WARN)
        await pilot.pause()
        assert screen_text(app).rstrip() == "Replica lag" + " " * 8 + "▁▂▄█ 14.2 s"
        await pilot.resize_terminal(14, 1)
        await pilot.pause()
        assert screen_text(app).rstrip() == "Replic… 14.2 s"


async def test_without_unicode() -> None:
    use_glyphs(ASCII)
    try:
        app = OneChart(4)
        async with app.run_test(size=(30, 5)) as pilot:
            app.chart.set_series([1, 2, 4, 8], "14.2 s", Role.WARN)
            await pilot.pause()
            assert screen_text(app).isascii()
    finally:
        use_glyphs(UNICODE)


async def test_only_lines_that_changed_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    app = OneChart(5)
    async with app.run_test(size=(30, 5)) as pilot:
        app.chart.set_series([8, 8, 8], "8", Role.ACCENT)
        await pilot.pause()
        sent: list[Region] = []
        monkeypatch.setattr(Plot, "refresh", lambda self, *regions, **kwargs: sent.extend(regions))
        app.chart.set_series([8, 8, 8], "8", Role.ACCENT)
        assert sent == []
        app.chart.set_series([8, 8, 5], "5", Role.ACCENT)
        assert [region.y for region in sent] == [0, 1]
