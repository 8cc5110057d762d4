"""A long text over everything else: a statement, a row, a plan as it came."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from dbtui.tui.keys import bindings
from dbtui.tui.widgets.roles import plain


class TextScreen(ModalScreen[None]):
    """Shows `body`, which is made harmless by whoever opens it. Escape, q and Enter close it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("text")

    def __init__(self, title: str, body: str) -> None:
        super().__init__()
        self.heading = title
        self.body = body

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog -wide"):
            yield Static(self.body, markup=False)

    def on_mount(self) -> None:
        box = self.query_one(VerticalScroll)
        box.border_title = plain(self.heading)
        box.border_subtitle = "esc closes · y copies"
        box.focus()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.body)
        self.notify("copied", timeout=2)
