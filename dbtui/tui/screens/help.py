"""All keys, grouped and searchable."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from dbtui.keymap import ACTIONS
from dbtui.tui.keys import bindings, keys_of
from dbtui.tui.views.base import matches
from dbtui.tui.widgets.grid import Grid, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role

COLUMNS = (
    GridColumn("key", "Key", 16, "left", 100),
    GridColumn("does", "Does", None, "left", 90),
    GridColumn("where", "Where", 12, "left", 80),
    GridColumn("id", "Id for keymap.toml", 26, "left", 10),
)


class HelpScreen(ModalScreen[None]):
    """Type to search; Escape leaves."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("find")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -wide"):
            yield Input(placeholder="search the keys", compact=True)
            yield Grid(COLUMNS, empty="no key does that")

    def on_mount(self) -> None:
        box = self.query_one(".dialog")
        box.border_title = "Keys"
        box.border_subtitle = "esc leaves · keymap.toml in the config folder changes them"
        self._show("")
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._show(event.value)

    def _show(self, words: str) -> None:
        made = []
        for action in ACTIONS:
            keys = keys_of(action)
            if matches(words, keys, action.help, action.group, action.id):
                cells = (
                    (keys, Role.ACCENT),
                    action.help,
                    (action.group, Role.MUTED),
                    (action.id, Role.MUTED),
                )
                made.append(GridRow(action.id, cells))
        self.query_one(Grid).set_rows(made)

    def action_down(self) -> None:
        self.query_one(Grid).action_cursor(1)

    def action_up(self) -> None:
        self.query_one(Grid).action_cursor(-1)

    def action_take(self) -> None:
        self.dismiss(None)

    def action_leave(self) -> None:
        self.dismiss(None)
