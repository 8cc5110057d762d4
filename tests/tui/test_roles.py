"""Roles and signs."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.widgets import Static

from dbtui.tui.widgets.roles import ASCII, UNICODE, Glyphs, glyphs, plain, use_glyphs
from tests.tui.golden import screen_text
from tests.tui.showcase import LiveScreen

# What Fira Code and most fonts have; see CONTRIBUTING for why not more.
KNOWN = set("●○◆▲▼▶◀↑↓→✓·…│─╭╮╰╯├└┃▁▂▃▄▅▆▇█▏▎▍▌▋▊▉▖▗▘▝▞⟳×")


def signs(chosen: Glyphs) -> list[str]:
    values = [getattr(chosen, name) for name in Glyphs.__slots__]
    return [sign for value in values if not isinstance(value, bool) for sign in "".join(value)]


def test_every_sign_is_one_cell_and_in_the_fonts() -> None:
    assert set(signs(UNICODE)) <= KNOWN
    assert {cell_len(sign) for sign in (*signs(UNICODE), *signs(ASCII))} == {1}
    assert all(sign.isascii() for sign in signs(ASCII))
    for chosen in (UNICODE, ASCII):
        assert (len(chosen.bars), len(chosen.eighths)) == (8, 8)


async def test_without_unicode_the_whole_screen_is_ascii() -> None:
    use_glyphs(ASCII)
    try:
        assert glyphs() is ASCII
        app = LiveScreen()
        async with app.run_test(size=(120, 30)) as pilot:
            app.query_one("Grid").set_subtitle("no sign of ours")  # type: ignore[attr-defined]
            await pilot.pause()
            assert screen_text(app).isascii()
    finally:
        use_glyphs(UNICODE)


async def test_without_colours_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = LiveScreen()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                colour = segment.style.color if segment.style else None
                assert colour is None or colour.triplet is None or len(set(colour.triplet)) == 1


async def test_plain_text_is_no_markup() -> None:
    class Labels(App[None]):
        def compose(self) -> ComposeResult:
            yield Static(plain("[b]a[/] [/foo]\x1b[31m\nb", "bold"))

    app = Labels()
    async with app.run_test(size=(40, 4)):
        assert screen_text(app).splitlines()[:2] == ["[b]a[/] [/foo]␛[31m", "b"]
