"""A plan from elsewhere: pasted, or in a file."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dbtui.tui.keys import bindings

SAID = "Paste a plan of any engine, in any form, or type the name of a file that holds one."


class PlanInput(Input):
    """A line for a file's name, into which a plan of many lines can be pasted."""

    def _on_paste(self, event: events.Paste) -> None:
        if "\n" in event.text or len(event.text) > 400:
            event.stop()
            event.prevent_default()
            self.screen.dismiss(("", event.text))
        else:
            super()._on_paste(event)


class OpenPlanScreen(ModalScreen[tuple[str, str] | None]):
    """Returns the name of a file and an empty text, or an empty name and the plan that was pasted."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(SAID, markup=False)
            yield PlanInput(placeholder="plan.json", compact=True)

    def on_mount(self) -> None:
        box = self.query_one(".dialog")
        box.border_title = "Open a plan"
        box.border_subtitle = "enter reads the file · esc leaves"
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.dismiss((event.value.strip(), ""))

    def action_leave(self) -> None:
        self.dismiss(None)
