"""Find a table by a few letters of its name, among all of a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input

from dbtui.fuzzy import best
from dbtui.model.catalog import Name
from dbtui.text import printable
from dbtui.tui.keys import bindings
from dbtui.tui.widgets.grid import Grid, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role

COLUMNS = (
    GridColumn("name", "Name", 40, "left", 100),
    GridColumn("schema", "Schema", 20, "left", 80),
    GridColumn("kind", "Kind", None, "left", 70),
)
SHOWN = 50
PATIENCE = 0.03  # seconds without a further letter until the names are searched


class FindScreen(ModalScreen[Name | None]):
    """A line to type in, and the best matches below. Enter takes the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("find")

    def __init__(self, names: Sequence[Name]) -> None:
        super().__init__()
        self.names = names
        self.labels = [f"{name.path[-2]}.{name.path[-1]}" for name in names]
        self.found: list[Name] = []
        self._pending: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -wide"):
            yield Input(placeholder="letters of a name, in order", compact=True)
            yield Grid(COLUMNS, id="found", empty="no name has these letters")

    def on_mount(self) -> None:
        box = self.query_one(".dialog")
        box.border_title = f"Find among {len(self.names):,}"
        box.border_subtitle = "enter goes there · esc leaves"
        self._match("")
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._pending is not None:
            self._pending.stop()
        self._pending = self.set_timer(
            PATIENCE, lambda: self._match(event.value)
        )  # the letter is drawn first

    def _match(self, letters: str) -> None:
        if self._pending is not None:
            self._pending.stop()
            self._pending = None
        self.found = [self.names[position] for position in best(letters, self.labels, SHOWN)]
        grid = self.query_one(Grid)
        grid.set_rows(
            [
                GridRow(
                    str(n), (name.path[-1], (name.path[-2], Role.MUTED), (printable(name.kind), Role.MUTED))
                )
                for n, name in enumerate(self.found)
            ]
        )
        grid.move_cursor(0)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._match(event.value)
        self._take()

    @on(Grid.Selected)
    def _chosen(self, event: Grid.Selected) -> None:
        event.stop()
        self._take()

    def _take(self) -> None:
        key = self.query_one(Grid).cursor_key
        if key is not None and self.found:
            self.dismiss(self.found[int(key)])

    def action_down(self) -> None:
        self.query_one(Grid).action_cursor(1)

    def action_up(self) -> None:
        self.query_one(Grid).action_cursor(-1)

    def action_leave(self) -> None:
        self.dismiss(None)
