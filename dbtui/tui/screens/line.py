"""A dialog that takes one line: the name of a file."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dbtui.text import printable
from dbtui.tui.keys import bindings
from dbtui.tui.widgets.roles import plain


class LineQuestion(ModalScreen[str | None]):
    """Returns what was typed, None when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, title: str, what: str, placeholder: str) -> None:
        super().__init__()
        self.heading = title
        self.what = what
        self.placeholder = placeholder

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(printable(self.what, keep_newlines=True), markup=False)
            yield Input(placeholder=printable(self.placeholder), id="line", compact=True)

    def on_mount(self) -> None:
        box = self.query_one(".dialog")
        box.border_title = plain(self.heading)
        box.border_subtitle = "enter continues · esc cancels"
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        self.dismiss(None)
