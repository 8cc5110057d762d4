"""A canvas's lines: which are drawn, and when."""

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from dbtui.tui.themes import load_themes
from dbtui.tui.widgets.frame import Canvas
from dbtui.tui.widgets.roles import Role


class Counting(Canvas):
    """Notes which of its lines were drawn."""

    DEFAULT_CSS = "Counting { width: 1fr; height: 3; }"

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[int] = []
        self.text = "before"

    def render_line(self, y: int) -> Strip:
        self.drawn.append(y)
        width = self.size.width
        return Strip([Segment(self.text.ljust(width), self.palette.style(Role.TEXT, self.ground))], width)

    def taken(self) -> list[int]:
        """The lines that were drawn since the last call."""
        drawn, self.drawn = sorted(set(self.drawn)), []
        return drawn


class OneCanvas(App[None]):
    def on_mount(self) -> None:
        load_themes(self)

    def compose(self) -> ComposeResult:
        yield Counting()


async def test_only_the_lines_that_a_refresh_names_are_drawn_again() -> None:
    app = OneCanvas()
    async with app.run_test(size=(20, 5)) as pilot:
        canvas = app.query_one(Counting)
        await pilot.pause()
        assert canvas.taken() == [0, 1, 2]
        canvas.text = "after"
        canvas.refresh(Region(0, 1, 6, 1))
        await pilot.pause()
        assert canvas.taken() == [1]
        assert [line.text.strip() for line in canvas.render_lines(Region(0, 0, 20, 3))] == [
            "before", "after", "before",
        ]  # fmt: skip
        assert [line.text for line in canvas.render_lines(Region(2, 1, 3, 1))] == ["ter"]
        assert canvas.taken() == []


async def test_another_size_or_theme_draws_every_line() -> None:
    app = OneCanvas()
    async with app.run_test(size=(20, 5)) as pilot:
        canvas = app.query_one(Counting)
        await pilot.pause()
        canvas.taken()
        await pilot.resize_terminal(30, 5)
        await pilot.pause()
        assert canvas.taken() == [0, 1, 2]
        app.theme = "textual-light"
        await pilot.pause()
        assert canvas.taken() == [0, 1, 2]
