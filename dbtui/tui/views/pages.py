"""A grid for rows whose columns are known only when they arrive."""

from __future__ import annotations

from collections.abc import Sequence

from dbtui import text
from dbtui.model.result import Page, ResultColumn
from dbtui.tui.widgets.grid import Cell, Grid, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role

MAX_WIDTH = 40  # cells of one column; the last one takes the rest
SHOWN = 300  # characters of a value that are drawn; copying takes all of it


def widths(columns: Sequence[ResultColumn], rows: Sequence[Sequence[str | None]]) -> list[int]:
    """Column widths from the names and the first rows, in characters."""
    made = []
    for position, column in enumerate(columns):
        longest = max((len(row[position] or "NULL") for row in rows[:100]), default=0)
        made.append(max(4, min(MAX_WIDTH, max(longest, len(column.name)))))
    return made


def grid_columns(page: Page) -> list[GridColumn]:
    """Columns for a result: numbers to the right, the last column takes what is left."""
    last = len(page.columns) - 1
    return [
        GridColumn(
            str(position), text.one_line(column.name, MAX_WIDTH), None if position == last else width,
            "right" if column.numeric and position != last else "left", 1000 - position,
        )
        for position, (column, width) in enumerate(
            zip(page.columns, widths(page.columns, page.rows), strict=True)
        )
    ]  # fmt: skip


def _cell(value: str | None) -> Cell:
    """The grid makes it harmless and one line when it draws it: most rows of a large result are never drawn."""
    return ("NULL", Role.MUTED) if value is None else value[:SHOWN]


class PageGrid(Grid):
    """Shows pages of a result; its columns come with the first page."""

    def __init__(self, noun: str, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002
        super().__init__((GridColumn("0", "", None, "left", 1),), id=id, empty=empty)
        self.noun = noun
        self.hint = empty
        self.page_columns: tuple[ResultColumn, ...] = ()
        self.values: list[tuple[str | None, ...]] = []
        self._made: list[GridRow] = []

    def on_mount(self) -> None:
        self.set_title(self.noun)

    def say(self, message: str = "") -> None:
        """Show a sentence (by default the first one) instead of rows."""
        self.values = []
        self.empty = message or self.hint
        self.set_rows(())

    def show_status(self, line: str, role: Role = Role.MUTED) -> None:
        """What happened, at the right of the title."""
        self.set_title(self.noun, line, role)

    async def show_page(self, page: Page) -> None:
        """Show the first page of a result."""
        self.page_columns, self.values, self._made = page.columns, [], []
        self.empty = "no rows" if page.columns else page.status or "done"
        if page.columns:
            await self.set_columns(grid_columns(page))
        self.add_page(page)
        self.draw_pages()

    def add_page(self, page: Page) -> None:
        """Take a further page of the same result; `draw_pages` shows it."""
        start = len(self.values)
        self.values.extend(page.rows)
        self._made.extend(
            GridRow(str(number), tuple(_cell(value) for value in row))
            for number, row in enumerate(page.rows, start)
        )

    def draw_pages(self) -> None:
        """Show what has been taken."""
        self.set_rows(self._made)

    @property
    def value_row(self) -> tuple[str | None, ...] | None:
        """The row under the cursor, unchanged."""
        key = self.cursor_key
        return self.values[int(key)] if key and int(key) < len(self.values) else None
