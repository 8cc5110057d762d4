"""The editor: colours for what is in sight, its wishes, and text that stays as it was typed."""

from __future__ import annotations

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input

from dbtui.tui.themes import load_themes
from dbtui.tui.widgets.sql_area import SqlArea
from tests.tui.golden import screen_text


class OneArea(App[None]):
    def __init__(self, text: str = "", *, read_only: bool = False) -> None:
        super().__init__()
        self.start = text
        self.read_only = read_only
        self.said: list[str] = []

    def compose(self) -> ComposeResult:
        yield SqlArea(self.start, read_only=self.read_only)
        yield Input()

    def on_mount(self) -> None:
        load_themes(self)
        self.theme = "dbtui-night"
        self.area.focus()

    @property
    def area(self) -> SqlArea:
        return self.query_one(SqlArea)

    def on_sql_area_run(self) -> None:
        self.said.append("run")

    def on_sql_area_explain_requested(self) -> None:
        self.said.append("explain")

    def on_sql_area_leave(self) -> None:
        self.said.append("leave")

    def colour(self, line: int, column: int) -> str:
        """The colour in which a character is drawn, as a theme writes it."""
        text = self.area.get_line(line)
        styles = [span.style for span in text.spans if span.start <= column < span.end]
        return str(styles[-1]) if styles else ""


async def test_colours_come_from_the_theme() -> None:
    app = OneArea("select 'a', 12 -- why")
    async with app.run_test() as pilot:
        await pilot.pause()
        assert [app.colour(0, column) for column in (0, 7, 12, 16)] == [
            "#bb9af7",
            "#9ece6a",
            "#ff9e64",
            "#7f88b4",
        ]
        app.theme = "dbtui-day"
        await pilot.pause()
        assert app.colour(0, 0) == "#7a2fb5"
        app.theme = "textual-dark"  # has no colours of SQL: the roles give theirs
        await pilot.pause()
        assert app.colour(0, 7) == "#4ebf71"


async def test_an_edit_recolours_what_it_opens_and_closes() -> None:
    app = OneArea("a\nselect 1\nselect 2")
    async with app.run_test() as pilot:
        await pilot.pause()
        keyword = app.colour(1, 0)
        app.area.insert("/* ", (0, 0))
        await pilot.pause()
        comment = app.colour(0, 0)
        assert app.colour(1, 0) == comment != keyword
        app.area.insert("*/ ", (1, 0))
        await pilot.pause()
        assert app.colour(1, 3) == app.colour(2, 0) == keyword
        app.area.text = "select 9"
        await pilot.pause()
        assert app.colour(0, 0) == keyword


async def test_another_dialect() -> None:
    app = OneArea("# select")
    async with app.run_test() as pilot:
        await pilot.pause()
        before = app.colour(0, 3)
        app.area.dialect = "mysql"
        assert app.colour(0, 3) != before


async def test_keys_become_wishes_and_letters_stay_text() -> None:
    app = OneArea()
    async with app.run_test() as pilot:
        await pilot.press("q", "j", "x", "enter", "1")
        assert app.area.text == "qjx\n1"
        await pilot.press("ctrl+r", "ctrl+g", "escape")
        assert app.said == ["run", "explain", "leave"]
        assert app.focused is app.area  # who hears `Leave` decides where the focus goes


async def test_a_view_is_neither_edited_nor_run() -> None:
    app = OneArea("create table t ()", read_only=True)
    async with app.run_test() as pilot:
        await pilot.press("x", "ctrl+r", "ctrl+g", "escape")
        assert app.area.text == "create table t ()"
        assert app.said == ["leave"]
        assert app.area.highlight_cursor_line is False


async def test_what_is_pasted_is_kept_and_drawn_harmlessly() -> None:
    app = OneArea()
    async with app.run_test() as pilot:
        pasted = "select '\x1b]52;c;aGk=\x07'\u202e"
        app.post_message(events.Paste(pasted))
        await pilot.pause()
        assert app.area.text == pasted
        shown = screen_text(app)
        assert "select '␛]52;c;aGk=␇'\ufffd" in shown


async def test_long_texts_cost_what_is_in_sight() -> None:
    app = OneArea("\n".join(f"select {n} from t -- {n}" for n in range(5_000)) + "\n" + "x" * 200_000)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert len(app.area._states) < 40
        app.area.move_cursor((4_000, 0))
        await pilot.pause()
        assert len(app.area._states) < 4_100
        assert "select 4000" in screen_text(app)
