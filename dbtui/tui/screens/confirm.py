"""Questions before something happens. Each returns what was approved, or None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dbtui.config import Secret
from dbtui.text import printable
from dbtui.tui.keys import bindings
from dbtui.tui.widgets.roles import Role, plain

LOOK_EVERY = 0.5  # seconds between two looks at what is acted on


class Question(ModalScreen[str | None]):
    """Shows what will happen, to what exactly, and takes a typed word and a reason.

    `now` is asked again and again what has become of the target meanwhile. Returns the reason (perhaps empty)
    when the word was typed, None when it was left.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(
        self,
        title: str,
        body: str,
        word: str,
        *,
        reason: bool = True,
        now: Callable[[], tuple[str, Role]] | None = None,
    ) -> None:
        super().__init__()
        self.heading = title
        self.body = printable(body, keep_newlines=True)
        self.word = word
        self.wants_reason = reason
        self.now = now

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self.body, markup=False)
            if self.now is not None:
                yield Static("", id="now", markup=False)
            if self.wants_reason:
                yield Input(placeholder="reason, for the audit file", id="reason", compact=True)
            yield Input(placeholder=printable(f"type {self.word} and press Enter"), id="word", compact=True)
            yield Static("", id="refusal", markup=False)

    def on_mount(self) -> None:
        box = self.query_one(".dialog")
        box.border_title = plain(self.heading)
        box.border_subtitle = "enter approves · esc leaves"
        self.query(Input).first().focus()
        if self.now is not None:
            self._look()
            self.set_interval(LOOK_EVERY, self._look)

    def _look(self) -> None:
        """Say what the target is now."""
        assert self.now is not None
        line, role = self.now()
        shown = self.query_one("#now", Static)
        shown.update(printable(line, keep_newlines=True))
        for each in Role:
            shown.set_class(each is role, f"-{each.name.lower()}")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "reason":
            self.query_one("#word").focus()
            return
        if event.value.strip() != self.word:
            self.query_one("#refusal", Static).update(printable(f"that is not {self.word}"))
            return
        self.dismiss(self.query_one("#reason", Input).value.strip() if self.wants_reason else "")

    def action_leave(self) -> None:
        self.dismiss(None)


@dataclass(frozen=True, slots=True)
class LiftChoice:
    """How read-only is to be lifted."""

    reason: str
    once: bool


class LiftQuestion(ModalScreen[LiftChoice | None]):
    """Lifts read-only for one action or ten minutes, after the connection's name and a reason."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, connection: str, environment: str) -> None:
        super().__init__()
        self.connection = printable(connection)
        self.environment = environment

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(
                f"{self.connection} counts as {self.environment}. Lifting read-only lets statements that you "
                "run in the Query pane write, each in a transaction of its own. It falls back by itself, and "
                "is written to the audit file.",
                markup=False,
            )
            yield Input(placeholder="reason (required)", id="reason", compact=True)
            yield Input(placeholder="1 for one statement, 10 for ten minutes", id="length", compact=True)
            yield Input(placeholder=f"type {self.connection} and press Enter", id="word", compact=True)
            yield Static("", id="refusal", markup=False)

    def on_mount(self) -> None:
        box = self.query_one(".dialog")
        box.border_title = "Lift read-only"
        box.border_subtitle = "enter continues · esc cancels"
        self.query(Input).first().focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        order = ("reason", "length", "word")
        position = order.index(event.input.id or "reason")
        values = {name: self.query_one(f"#{name}", Input).value.strip() for name in order}
        if position < 2 and values[order[position]]:
            self.query_one(f"#{order[position + 1]}").focus()
            return
        refusal = self._refusal(values)
        if refusal:
            self.query_one("#refusal", Static).update(refusal)
            return
        self.dismiss(LiftChoice(values["reason"], once=values["length"] == "1"))

    def _refusal(self, values: dict[str, str]) -> str:
        if not values["reason"]:
            return "a reason is needed"
        if values["length"] not in ("1", "10"):
            return "type 1 or 10"
        if printable(values["word"]) != self.connection:
            return f"that is not {self.connection}"
        return ""

    def action_leave(self) -> None:
        self.dismiss(None)


class PasswordQuestion(ModalScreen[Secret | None]):
    """Asks for a password, which is shown as dots and goes nowhere but to the driver."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, connection: str) -> None:
        super().__init__()
        self.connection = printable(connection)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(f"Password for {self.connection}", markup=False)
            yield Input(password=True, id="password", compact=True)

    def on_mount(self) -> None:
        box = self.query_one(".dialog")
        box.border_title = "Password"
        box.border_subtitle = "enter connects · esc leaves"
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(Secret(event.value))

    def action_leave(self) -> None:
        self.dismiss(None)
