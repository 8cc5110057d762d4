"""Server text is data: no control code, no bidirectional override and no markup of it takes effect anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dbtui.tui.widgets.grid import Grid
from tests.tui.showcase import Showcase
from tests.tui.terminal import run_in_terminal

SHOWCASE = str(Path(__file__).with_name("showcase.py"))
HOSTILE = [
    "\x1b]52;c;aGVsbG8=\x07clip",
    "\x1b]0;owned\x1b\\title",
    "\x1b[2J\x1b[31mred",
    "\x9b31mc1",
    "\x9d0;c1 title\x9c",
    "a\u202eb\u2066c\u200bd",
    "[@click=app.bell]click[/]",
    "[/foo] [red]x[/] [[",
    "a\r\nb\tc\x00d\x08e",
    "日本語 e\u0301 👩‍💻 ❤️ " * 20,
    "\udc80 lone surrogate",
    "x" * 100_000,
]
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.parametrize("said", HOSTILE, ids=[f"{n}" for n in range(len(HOSTILE))])
@pytest.mark.parametrize("size", [(120, 40), (40, 24)])
async def test_every_widget_draws_it_as_text(said: str, size: tuple[int, int]) -> None:
    app = Showcase(said)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        drawn = app.screen._compositor.render_strips()
        shown = "\n".join(strip.text for strip in drawn)
        assert FORBIDDEN.findall(shown.replace("\n", "")) == []
        assert len(drawn) == size[1]


async def test_markup_in_a_name_is_neither_obeyed_nor_lost() -> None:
    app = Showcase("[@click=app.bell]orders[/]")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        shown = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert shown.count("[@click=app.bell]") >= 8
        for y, line in enumerate(shown.split("\n")):
            if (x := line.rfind("click")) >= 0:
                await pilot.click(offset=(x, y))
        assert app.rang == 0


async def test_every_line_of_a_grid_keeps_its_width() -> None:
    app = Showcase("日本語 e\u0301 👩‍💻 ❤️ [x]\x1b" * 9)
    async with app.run_test(size=(77, 40)) as pilot:
        await pilot.pause()
        for lane in app.query_one("#grid", Grid).query("Lane"):
            for y in range(lane.size.height):
                assert lane.render_line(y).cell_length == lane.size.width


def test_the_terminal_is_sent_none_of_it() -> None:
    """In a real terminal, where Textual's own sequences pass too: none of ours may be among them."""
    said = r"\x1b]52;c;aGVsbG8=\x07\x1b]0;owned\x07\x9b31m\u202eabc"
    with run_in_terminal(SHOWCASE, said) as terminal:
        sent = terminal.read() + terminal.press("j") + terminal.press("\t")
    sent = re.sub(rb"\x1b\]22;[a-z]+\x07", b"", sent)  # the shape of the pointer, from Textual itself
    assert b"owned" in sent
    assert b"\x1b]52" not in sent
    assert b"\x1b]0;" not in sent
    assert b"\x07" not in sent
    assert "\x9b".encode() not in sent
    assert "\u202e".encode() not in sent
