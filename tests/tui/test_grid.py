"""The live table: layout, what it sends, and a cursor that stays on its row."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult

from dbtui.tui.widgets.grid import Grid, GridColumn, GridRow, Lane, layout
from dbtui.tui.widgets.roles import Role
from tests.tui.golden import assert_golden, screen_text
from tests.tui.showcase import COLUMNS, live_rows

TWO = (GridColumn("name", "Name", 10), GridColumn("rows", "Rows", None, "right"))


class OneGrid(App[None]):
    def __init__(self, columns: Sequence[GridColumn] = TWO, title: str = "") -> None:
        super().__init__()
        self.columns = columns
        self.heading = title
        self.said: list[tuple[str, str | None]] = []

    def compose(self) -> ComposeResult:
        yield Grid(self.columns, empty="nothing here\npress / to filter")

    def on_mount(self) -> None:
        self.grid.focus()
        if self.heading:
            self.grid.set_title(self.heading, "41 of 41", Role.MUTED)

    @property
    def grid(self) -> Grid:
        return self.query_one(Grid)

    def on_grid_highlighted(self, event: Grid.Highlighted) -> None:
        self.said.append(("highlighted", event.key))

    def on_grid_selected(self, event: Grid.Selected) -> None:
        self.said.append(("selected", event.key))

    def on_grid_sort_requested(self, event: Grid.SortRequested) -> None:
        self.said.append(("sort", event.column))


def rows_of(*names: str) -> list[GridRow]:
    return [GridRow(name, (name, str(number))) for number, name in enumerate(names)]


def many(count: int) -> list[GridRow]:
    return rows_of(*(f"row{number}" for number in range(count)))


def refreshed(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(column, line) of everything that lanes send from now on."""
    sent: list[tuple[int, int]] = []
    real = Lane.refresh

    def note(self: Lane, *regions: object, **kwargs: object) -> Lane:
        sent.extend((self.index, region.y) for region in regions)  # type: ignore[attr-defined]
        if not regions:
            sent.append((self.index, -1))
        return real(self, *regions, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Lane, "refresh", note)
    return sent


# ── layout
@pytest.mark.parametrize("width", range(1, 220))
def test_columns_fill_every_width_exactly(width: int) -> None:
    slots = layout(COLUMNS, width)
    assert sum(slot.width + slot.gap for slot in slots) == max(width, 0)
    assert all(slot.width >= 0 for slot in slots)


def test_the_lowest_priority_goes_first() -> None:
    wide = [COLUMNS[slot.index].id for slot in layout(COLUMNS, 200)]
    assert wide == ["id", "user", "database", "state", "wait", "xact", "age", "query"]
    at_80 = [COLUMNS[slot.index].id for slot in layout(COLUMNS, 76)]
    assert at_80 == ["id", "state", "wait", "age", "query"]
    assert [COLUMNS[slot.index].id for slot in layout(COLUMNS, 30)] == ["id", "query"]
    assert [COLUMNS[slot.index].id for slot in layout(COLUMNS, 5)] == ["id"]


@pytest.mark.parametrize(("columns", "lines"), [(200, 12), (120, 12), (80, 12), (40, 12)])
async def test_golden(columns: int, lines: int) -> None:
    app = OneGrid(COLUMNS, "Sessions")
    async with app.run_test(size=(columns, lines)) as pilot:
        app.grid.sort_column, app.grid.sort_reverse = "age", True
        app.grid.set_rows(live_rows(1))
        app.grid.set_subtitle("sort: age ↓")
        await pilot.press("j", "j")
        await pilot.pause()
        assert_golden(app, f"grid-{columns}x{lines}")


async def test_without_a_title_it_has_no_frame() -> None:
    app = OneGrid()
    async with app.run_test(size=(30, 4)) as pilot:
        app.grid.set_rows(rows_of("a", "b"))
        await pilot.pause()
        assert screen_text(app).splitlines() == [
            " Name                    Rows",
            "▌a                          0",
            " b                          1",
            "",
        ]


async def test_an_empty_grid_says_what_would_be_here() -> None:
    app = OneGrid()
    async with app.run_test(size=(30, 8)) as pilot:
        assert "nothing here" in screen_text(app)
        assert "press / to filter" in screen_text(app)
        app.grid.empty = "another reason"
        await pilot.pause()
        assert "another reason" in screen_text(app)
        app.grid.set_rows(rows_of("a"))
        await pilot.pause()
        assert "another reason" not in screen_text(app)


# ── what is sent
async def test_only_changed_cells_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 20)) as pilot:
        app.grid.set_rows(many(10))
        await pilot.pause()
        sent = refreshed(app.grid, monkeypatch)
        app.grid.set_rows(many(10))
        assert sent == []
        changed = many(10)
        changed[3] = GridRow("row3", ("row3", "changed"))
        app.grid.set_rows(changed)
        assert sent == [(1, 4)]


async def test_changes_out_of_sight_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 10)) as pilot:
        app.grid.set_rows(many(20_000))
        await pilot.pause()
        sent = refreshed(app.grid, monkeypatch)
        rows = many(20_000)
        rows[5_000:10_000] = [GridRow(row.key, (row.cells[0], "changed")) for row in rows[5_000:10_000]]
        app.grid.set_rows(rows)
        assert sent == []


async def test_the_cursor_repaints_two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 20)) as pilot:
        app.grid.set_rows(many(10))
        await pilot.pause()
        sent = refreshed(app.grid, monkeypatch)
        await pilot.press("j")
        assert {line for _, line in sent} == {1, 2}


# ── the cursor
async def test_the_cursor_follows_its_row() -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 20)) as pilot:
        app.grid.set_rows(rows_of("a", "b", "c"))
        await pilot.press("j")
        assert app.grid.cursor_key == "b"
        app.grid.set_rows(rows_of("x", "y", "a", "b", "c"))
        await pilot.pause()
        assert app.grid.cursor_key == "b"
        assert app.grid.cursor_row == GridRow("b", ("b", "3"))
        assert screen_text(app).splitlines()[4].startswith("▌b")


async def test_a_row_that_went_leaves_the_cursor_at_its_place() -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 20)) as pilot:
        app.grid.set_rows(rows_of("a", "b", "c"))
        await pilot.press("j")
        app.grid.set_rows(rows_of("a", "c"))
        await pilot.pause()
        assert app.grid.cursor_key == "c"
        app.grid.set_rows([])
        await pilot.pause()
        assert app.grid.cursor_key is None
        assert app.grid.cursor_row is None
        assert app.said == [("highlighted", key) for key in ("a", "b", "c", None)]


async def test_the_window_goes_with_the_row_unless_it_was_scrolled_away() -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 11)) as pilot:
        app.grid.set_rows(many(100))
        await pilot.pause()
        app.grid.set_rows([*rows_of(*(f"new{n}" for n in range(50))), *many(100)])
        await pilot.pause()
        assert app.grid.cursor_key == "row0"
        assert app.grid.view.shows_cursor
        app.grid.scroll_lines(30)
        top = app.grid.view.top
        app.grid.set_rows([*rows_of("first"), *app.grid.rows])
        await pilot.pause()
        assert app.grid.view.top == top


async def test_keys() -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 11)) as pilot:
        app.grid.set_rows(many(100))
        await pilot.pause()
        for keys, key in (
            ("end", "row99"), ("home", "row0"), ("down", "row1"), ("j", "row2"), ("k", "row1"), ("up", "row0"),
            ("up", "row0"), ("pagedown", "row9"), ("pageup", "row0"), ("G", "row99"),
        ):  # fmt: skip
            await pilot.press(keys)
            assert app.grid.cursor_key == key, keys
        await pilot.press("enter")
        assert app.said[-1] == ("selected", "row99")


async def test_a_key_set_by_a_view_moves_the_cursor() -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 11)) as pilot:
        app.grid.set_rows(many(100))
        app.grid.cursor_key = "row50"
        await pilot.pause()
        assert app.grid.view.cursor == 50
        assert app.grid.view.shows_cursor


async def test_mouse() -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 11)) as pilot:
        app.grid.set_rows(many(100))
        await pilot.pause()
        await pilot.click(offset=(3, 4))
        assert app.grid.cursor_key == "row3"
        await pilot.click(offset=(3, 4), times=2)
        assert app.said[-1] == ("selected", "row3")
        await pilot.click(offset=(35, 0))
        assert app.said[-1] == ("sort", "rows")
        await pilot._post_mouse_events(
            [__import__("textual.events").events.MouseScrollDown], Grid, offset=(3, 4)
        )
        assert app.grid.view.top == 3
        assert app.grid.cursor_key == "row3"


async def test_the_sorted_column_bears_an_arrow() -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 11)) as pilot:
        app.grid.set_rows(many(3))
        app.grid.sort_column, app.grid.sort_reverse = "name", False
        await pilot.pause()
        assert screen_text(app).splitlines()[0].startswith(" Name ↑")
        app.grid.sort_reverse = True
        await pilot.pause()
        assert screen_text(app).splitlines()[0].startswith(" Name ↓")


# ── looks
async def test_old_data_are_dimmed_and_back() -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 11)) as pilot:
        app.grid.set_rows(many(3))
        await pilot.pause()
        lane = app.grid.query(Lane)[1]
        fresh = lane.render_line(2)
        app.grid.stale = True
        await pilot.pause()
        assert lane.render_line(2) != fresh
        app.grid.stale = False
        await pilot.pause()
        assert lane.render_line(2) == fresh


async def test_roles_of_row_and_cell() -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 11)) as pilot:
        row = GridRow("r", ("plain", ("bad", Role.BAD)), role=Role.MUTED, marked=True)
        app.grid.set_rows([GridRow("first", ("", "")), row])
        await pilot.pause()
        margin, name, number = app.grid.query(Lane)
        colours = name.palette
        assert margin.render_line(2).text.strip() == "◆"
        assert next(iter(name.render_line(2))).style == colours.style(Role.MUTED, name.ground)
        assert next(iter(number.render_line(2))).style == colours.style(Role.BAD, number.ground)


async def test_a_theme_change_repaints() -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 11)) as pilot:
        app.grid.set_rows(many(3))
        await pilot.pause()
        before = [strip._segments for strip in app.screen._compositor.render_strips()]
        app.theme = "textual-light"
        await pilot.pause()
        after = [strip._segments for strip in app.screen._compositor.render_strips()]
        assert all(one != other for one, other in zip(before, after, strict=True))


async def test_other_columns() -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 11)) as pilot:
        app.grid.set_rows(many(3))
        await pilot.pause()
        await app.grid.set_columns(
            (GridColumn("x", "X", 5), GridColumn("y", "Y", 5), GridColumn("z", "Z", None))
        )
        app.grid.set_rows([GridRow("1", ("one", "two", "three"))])
        await pilot.pause()
        assert screen_text(app).splitlines()[:2] == [" X     Y     Z", "▌one   two   three"]


async def test_a_row_with_too_few_cells_is_drawn() -> None:
    app = OneGrid()
    async with app.run_test(size=(40, 11)) as pilot:
        app.grid.set_rows([GridRow("1", ("only",))])
        await pilot.pause()
        assert "only" in screen_text(app)


async def test_rows_before_the_first_layout_are_kept() -> None:
    class Early(OneGrid):
        def compose(self) -> ComposeResult:
            grid = Grid(TWO)
            grid.set_rows(rows_of("early"))
            yield grid

    app = Early()
    async with app.run_test(size=(40, 5)) as pilot:
        await pilot.pause()
        assert "early" in screen_text(app)
