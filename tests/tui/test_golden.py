"""The golden reader gives back exactly what the screen shows."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.tui.golden import parse, screen_text

LINES = ("plain text", '  indented & <escaped> "quoted"', "日本語 wide", "e\u0301 combining", "╭─ box ─╮")


class Lines(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("\n".join(LINES), markup=False)


async def test_reads_back_every_line_and_the_size() -> None:
    app = Lines()
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.pause()
        assert screen_text(app) == "\n".join((*LINES, "", "", "")) + "\n"


def test_the_title_of_the_picture_is_no_content() -> None:
    svg = '<text class="x-title" x="10" y="5">a title</text><text x="12.2" clip-path="url(#t-line-0)">b&#160;c</text>'
    assert parse(svg, 6, 1) == " b c\n"
