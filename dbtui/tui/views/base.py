"""What all panes share: they show a snapshot when visible, and filter and sort their main table alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from dbtui.errors import DbtuiError, PermissionDenied
from dbtui.model.nouns import Nouns
from dbtui.model.snapshot import Snapshot
from dbtui.tui.widgets.grid import Grid, GridColumn
from dbtui.tui.widgets.roles import glyphs

if TYPE_CHECKING:
    from dbtui.tui.watching import Said


class FilterBar(Input):
    """The line that `/` opens under a table. Enter keeps the filter, Escape clears it."""

    BINDINGS: ClassVar = [("escape", "clear", "Clear")]

    def __init__(self) -> None:
        super().__init__(placeholder="filter: words that a row must contain", classes="filter", compact=True)
        self.display = False

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return key == "slash" or super().check_consume_key(
            key, character
        )  # Textual finds no sign for that name

    def action_clear(self) -> None:
        self.value = ""
        self.display = False
        self.post_message(self.Submitted(self, ""))


class View(Vertical):
    """One pane. `show()` gets every new snapshot while the pane is visible."""

    BLANK = True
    nouns = Nouns()  # of the engine, and what it lacks
    lacks: Mapping[str, str] = {}

    def headed(self, pane: str, columns: Iterable[GridColumn]) -> tuple[GridColumn, ...]:
        """Columns with the engine's own headings; those that it has nothing for are left out."""
        return tuple(replace(c, label=self.nouns.heading(f"{pane}.{c.id}", c.label)) for c in columns)

    def show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot; the default pane does not depend on any."""

    def show_watch(self, said: Said) -> None:
        """Draw what rules and alerts say of the server; most panes show nothing of it."""

    def focus_main(self) -> None:
        """Focus what a user of this pane works with."""


class TableView(View):
    """A pane whose main widget is a grid that can be filtered and sorted."""

    def __init__(self, *, sort: str, reverse: bool) -> None:
        super().__init__()
        self.filter_text = ""
        self.sort = sort
        self.reverse = reverse
        self.latest: Snapshot | None = None

    @property
    def grid(self) -> Grid:
        return self.query_one(Grid)

    @property
    def sorted_by(self) -> str:
        """The sort as the frame says it, in the words of the header."""
        label = next(column.label for column in self.grid.columns if column.id == self.sort)
        return f"sort: {label.lower()} {glyphs().down if self.reverse else glyphs().up}"

    def compose_filter(self) -> ComposeResult:
        yield FilterBar()

    def redraw(self) -> None:
        """Draw the latest snapshot again, after a change of what is wanted of it."""
        latest, self.latest = self.latest, None
        if latest is not None:
            self.show(latest)

    def focus_main(self) -> None:
        self.grid.focus()

    def show_filter(self, words: str) -> None:
        """Put words into the filter line, as if they were typed."""
        bar = self.query_one(FilterBar)
        with self.prevent(Input.Changed):
            bar.value = words
        bar.display = bool(words)

    def action_filter(self) -> None:
        bar = self.query_one(FilterBar)
        bar.display = True
        bar.focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.filter_text = event.value
        self.redraw()

    @on(Input.Submitted)
    def _filtered(self, event: Input.Submitted) -> None:
        event.stop()
        event.input.display = bool(event.value)
        self.grid.focus()

    @on(Grid.SortRequested)
    def _sort_by(self, event: Grid.SortRequested) -> None:
        event.stop()
        self.sort_by(event.column)

    def sort_by(self, column: str) -> None:
        """Sort by a column; the same column again turns the order round."""
        self.reverse = not self.reverse if column == self.sort else True
        self.sort = column
        self.redraw()

    def action_sort_next(self, step: int = 1) -> None:
        """Sort by the next column to the right (or left)."""
        ids = [column.id for column in self.grid.offered if column.label]
        self.sort = ids[(ids.index(self.sort) + step) % len(ids)] if self.sort in ids else ids[0]
        self.redraw()

    def action_sort_reverse(self) -> None:
        self.reverse = not self.reverse
        self.redraw()


def matches(words: str, *fields: str) -> bool:
    """Whether every word stands in one of the fields, in either case."""
    if not words:
        return True
    text = "\x00".join(fields).casefold()
    return all(word in text for word in words.casefold().split())


def trouble(error: DbtuiError) -> str:
    """What an error says, and on a line of its own the statement that an administrator would run."""
    remedy = error.remedy if isinstance(error, PermissionDenied) else ""
    return f"{error}\n{remedy}" if remedy and remedy not in str(error) else str(error)
