"""The live table. It sends the terminal only the cells that changed.

Each column is a widget of its own that draws its lines: Textual sends a changed region from its widget's left
edge on, so in a table of one widget a changed cell at the right would repaint its whole row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from dbtui.tui.widgets.cells import fit, width_of
from dbtui.tui.widgets.frame import Canvas
from dbtui.tui.widgets.listing import Listing
from dbtui.tui.widgets.roles import Role, glyphs

Cell = str | tuple[str, Role]  # formatted, but as the server sent it: the grid makes it harmless as it draws

REST = 12  # cells that the column without a width needs at least, before others give way,
SHARE = 4  # and its part of the whole: a quarter
WIDE = 100  # cells from which on two stand between columns instead of one


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A column. Exactly one of a grid has no width and takes what the others leave; one without a label is left out."""

    id: str
    label: str
    width: int | None
    align: Literal["left", "right"] = "left"
    priority: int = 0  # where there is no room for all, the lowest goes first
    sortable: bool = True


@dataclass(frozen=True, slots=True)
class GridRow:
    """A row. `key` is what it is, over all refreshes; `role` colours the cells that have none of their own.

    `marked` puts a mark into the margin.
    """

    key: str
    cells: tuple[Cell, ...]
    role: Role | None = None
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """A visible column: its index among all, its cells, and the empty cells right of it."""

    index: int
    width: int
    gap: int


def layout(columns: Sequence[GridColumn], width: int) -> tuple[Slot, ...]:
    """The columns that `width` cells have room for, in their order, filling it exactly.

    Columns leave by priority, lowest first, until the one without a width has room. The last one left is cut.
    A column's width does not depend on what is in it.
    """
    gap = 2 if width >= WIDE else 1
    rest = max(REST, width // SHARE)
    keep = [i for i, column in enumerate(columns) if column.label]

    def needed() -> int:
        least = sum(rest if (w := columns[i].width) is None else w for i in keep)
        return least + gap * (len(keep) - 1)

    while len(keep) > 1 and needed() > width:
        keep.remove(min(reversed(keep), key=lambda i: columns[i].priority))
    flexible = next((i for i in keep if columns[i].width is None), keep[-1] if keep else -1)
    fixed = sum(columns[i].width or 0 for i in keep if i != flexible) + gap * (len(keep) - 1)
    widths = {i: max(0, width - fixed) if i == flexible else columns[i].width or 0 for i in keep}
    return tuple(Slot(i, widths[i], gap if i != keep[-1] else 0) for i in keep)


Drawn = tuple[Cell, Role | None, bool, bool] | None  # cell, row's role, under the cursor, marked


class Lane(Canvas):
    """One column of a grid, header included."""

    DEFAULT_CSS = "Lane { height: 1fr; width: 1; }"

    def __init__(self, grid: Grid, index: int) -> None:
        super().__init__()
        self.grid = grid
        self.index = index  # among the grid's columns; -1 is the margin with the marks
        self.cells = 0
        self.gap = 0
        self.header: tuple[str, bool, bool] | None = None
        self.drawn: list[Drawn] = []

    def place(self, width: int, gap: int) -> None:
        """Take a width; the layout follows."""
        self.cells, self.gap = width, gap
        self.styles.width = width + gap

    def wanted(self) -> list[Drawn]:
        """What each visible line should show."""
        grid, index = self.grid, self.index
        rows, cursor = grid.rows, grid.view.cursor
        if index < 0:
            return [("", None, i == cursor, rows[i].marked) for i in grid.view.lines]
        return [
            (row.cells[index] if index < len(row.cells) else "", row.role, i == cursor, False)
            for i in grid.view.lines
            for row in (rows[i],)
        ]

    def update(self) -> None:
        """Send the lines that differ from what stands on the screen."""
        wanted = self.wanted()
        was = self.drawn
        self.drawn = wanted
        lines = max(len(was), len(wanted))
        changed = [y for y in range(lines) if y >= len(was) or y >= len(wanted) or was[y] != wanted[y]]
        regions = []
        for y in changed:
            old, new = was[y] if y < len(was) else None, wanted[y] if y < len(wanted) else None
            whole = old is None or new is None or old[2] != new[2]  # the cursor's colour fills the gap too
            regions.append(Region(0, y + 1, self.cells + (self.gap if whole else 0), 1))
        header = self.heading()
        if header != self.header:
            self.header = header
            regions.append(Region(0, 0, self.cells, 1))
        if regions:
            self.refresh(*regions)

    def heading(self) -> tuple[str, bool, bool]:
        """The header's text, whether the rows are sorted by it, and whether backwards."""
        if self.index < 0:
            return ("", False, False)
        column = self.grid.columns[self.index]
        return (column.label, column.id == self.grid.sort_column, self.grid.sort_reverse)

    def render_line(self, y: int) -> Strip:
        width = self.cells + self.gap
        if y == 0:
            return Strip([self._header()], width)
        grid, ground, colours = self.grid, self.ground, self.palette
        drawn = self.drawn[y - 1] if y - 1 < len(self.drawn) else None
        if drawn is None:
            return Strip([Segment(" " * width, colours.style(Role.TEXT, ground))], width)
        cell, row_role, cursor, marked = drawn
        focused = grid.has_focus
        if self.index < 0:
            sign = glyphs().mark if marked else glyphs().cursor if cursor and focused else " "
            text, role = sign, Role.ACCENT
        else:
            text, role = cell if isinstance(cell, tuple) else (cell, row_role or Role.TEXT)
            text = fit(text, self.cells, right=grid.columns[self.index].align == "right")
        style = colours.style(role, ground, cursor=cursor, focused=focused, faded=grid.stale)
        return Strip([Segment(text + " " * self.gap, style)], width)

    def _header(self) -> Segment:
        label, sorted_by, backwards = self.heading()
        right = self.index >= 0 and self.grid.columns[self.index].align == "right"
        style = self.palette.style(Role.ACCENT if sorted_by else Role.MUTED, self.ground, bold=sorted_by)
        if sorted_by and self.cells > 2:
            arrow = glyphs().down if backwards else glyphs().up
            room = self.cells - 2
            label = fit(label, min(room, width_of(label))) + f" {arrow}"
        return Segment(fit(label, self.cells, right=right) + " " * self.gap, style)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.y > 0:
            self.grid.clicked(event.y - 1, event.chain)
        elif self.index >= 0 and self.grid.columns[self.index].sortable:
            self.grid.post_message(Grid.SortRequested(self.grid, self.grid.columns[self.index].id))


class Grid(Listing):
    """A table with a fixed header whose cursor follows the row's key through every refresh."""

    HEADER = 1

    cursor_key: reactive[str | None] = reactive(None, repaint=False, init=False)
    # The column whose header bears the arrow. The grid does not sort.
    sort_column: reactive[str] = reactive("", repaint=False, init=False)
    sort_reverse: reactive[bool] = reactive(False, repaint=False, init=False)

    class Highlighted(Message):
        """The cursor is on another row; `key` is None when there are no rows."""

        def __init__(self, grid: Grid, key: str | None) -> None:
            super().__init__()
            self.grid = grid
            self.key = key

        @property
        def control(self) -> Grid:
            return self.grid

    class Selected(Message):
        """Enter or a double click on a row."""

        def __init__(self, grid: Grid, key: str) -> None:
            super().__init__()
            self.grid = grid
            self.key = key

        @property
        def control(self) -> Grid:
            return self.grid

    class SortRequested(Message):
        """A click on a column's header."""

        def __init__(self, grid: Grid, column: str) -> None:
            super().__init__()
            self.grid = grid
            self.column = column

        @property
        def control(self) -> Grid:
            return self.grid

    def __init__(self, columns: Sequence[GridColumn], *, id: str | None = None, empty: str = "") -> None:  # noqa: A002
        super().__init__(id=id, empty=empty)
        self.add_class("-bare")  # until it gets a title
        self._columns = tuple(columns)
        self._rows: tuple[GridRow, ...] = ()
        self._lanes = [Lane(self, index) for index in range(-1, len(self._columns))]
        self._show_lanes()

    def compose_lines(self) -> Iterable[Widget]:
        return self._lanes

    @property
    def columns(self) -> tuple[GridColumn, ...]:
        return self._columns

    async def set_columns(self, columns: Sequence[GridColumn]) -> None:
        """Show other columns: the grid of a query's result. The rows go."""
        self.set_rows(())
        body = self._lanes[0].parent
        old, self._columns = self._lanes[1:], tuple(columns)
        self._lanes = [self._lanes[0], *(Lane(self, index) for index in range(len(self._columns)))]
        for lane in old:
            await lane.remove()
        if isinstance(body, Widget):
            await body.mount(*self._lanes[1:], before=self.thumb)
        self._fit()

    @property
    def offered(self) -> tuple[GridColumn, ...]:
        """The columns; those that are left out have no label."""
        return tuple(replace(c, label="") if c.id in self._left_out else c for c in self._columns)

    def leave_out(self, ids: frozenset[str]) -> None:
        """Draw no columns of these ids, until another call says otherwise."""
        if ids != self._left_out:
            self._left_out = ids
            self._fit()

    @property
    def rows(self) -> tuple[GridRow, ...]:
        return self._rows

    def set_rows(self, rows: Sequence[GridRow]) -> None:
        """Show these rows. Only what differs in sight is sent; the cursor stays on its row."""
        was_empty = not self._rows
        self._rows = tuple(rows)
        view, key = self.view, self.cursor_key
        cursor = self._index_of(key, view.cursor)
        seen = view.shows_cursor
        view.resize(len(self._rows), self.body_height)
        if cursor is not None:
            view.cursor = cursor
            if seen:
                view.follow()
        if was_empty != (not self._rows):
            self._show_lanes()
        self._update()
        self._take_key()

    def _index_of(self, key: str | None, near: int) -> int | None:
        rows = self._rows
        if key is None:
            return None
        if near < len(rows) and rows[near].key == key:
            return near
        return next((i for i, row in enumerate(rows) if row.key == key), None)

    @property
    def cursor_row(self) -> GridRow | None:
        """The row under the cursor."""
        return self._rows[self.view.cursor] if self._rows else None

    def _update(self) -> None:
        for lane in self._lanes:
            if lane.display:
                lane.update()
        self.thumb.update()

    def _take_key(self) -> None:
        row = self.cursor_row
        self.cursor_key = row.key if row is not None else None

    def watch_cursor_key(self, key: str | None) -> None:
        """A key set from outside moves the cursor; a move of the cursor says so."""
        index = self._index_of(key, self.view.cursor)
        if index is not None and index != self.view.cursor:
            self.view.move_to(index)
            self._update()
        if self.is_attached:
            self.post_message(self.Highlighted(self, key))

    def watch_sort_column(self) -> None:
        self._update()

    def watch_sort_reverse(self) -> None:
        self._update()

    def watch_stale(self) -> None:
        for lane in self._lanes:
            lane.refresh()

    # ── layout
    def refit(self) -> None:
        self.view.resize(len(self._rows), self.body_height)
        self._fit()

    def _fit(self) -> None:
        """Give each column its cells, and hide those there is no room for."""
        margin, *lanes = self._lanes
        side = 2 if self.body_width >= 60 else 1
        margin.place(1, side - 1)
        slots = {slot.index: slot for slot in layout(self.offered, max(0, self.body_width - side))}
        for lane in lanes:
            if slot := slots.get(lane.index):
                lane.place(slot.width, slot.gap)
            lane.drawn = []
        self._slots = frozenset(slots)
        self._show_lanes()
        self._update()

    _slots: frozenset[int] = frozenset()
    _left_out: frozenset[str] = frozenset()

    def _show_lanes(self) -> None:
        self.nothing.display = not self._rows
        for lane in self._lanes:
            lane.display = bool(self._rows) and (lane.index < 0 or lane.index in self._slots)

    # ── movement
    def lines_moved(self) -> None:
        self._update()

    def cursor_moved(self, before: int) -> None:
        self._update()

    def cursor_settled(self) -> None:
        self._take_key()

    def action_select(self) -> None:
        if (row := self.cursor_row) is not None:
            self.post_message(self.Selected(self, row.key))
