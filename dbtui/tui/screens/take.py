"""Mark sessions by what they are: a filter to type, and whom it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dbtui import text
from dbtui.errors import UsageError
from dbtui.live.selection import HELP, selector
from dbtui.model.activity import Session
from dbtui.tui.keys import bindings
from dbtui.tui.widgets.grid import Grid, GridColumn, GridRow

COLUMNS = (
    GridColumn("id", "PID", 10, "left", 100),
    GridColumn("user", "User", 12, "left", 60),
    GridColumn("application", "Application", 16, "left", 50),
    GridColumn("state", "State", 20, "left", 90),
    GridColumn("age", "Age", 8, "right", 80),
    GridColumn("query", "Query", None, "left", 70),
)


class TakeScreen(ModalScreen[tuple[Session, ...] | None]):
    """Returns the sessions that the filter takes when Enter is pressed, None when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, sessions: Callable[[], Sequence[Session]], typed: str = "") -> None:
        super().__init__()
        self.sessions = sessions  # asked at each letter: the server goes on meanwhile
        self.typed = typed
        self.taken: tuple[Session, ...] = ()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -wide"):
            yield Input(self.typed, placeholder="user=report state:idle age>10m", compact=True)
            yield Static("", id="refusal", markup=False)
            yield Static(HELP, id="hint", markup=False)
            yield Grid(COLUMNS, id="taken", empty="the filter takes nobody")

    def on_mount(self) -> None:
        box = self.query_one(".dialog")
        box.border_title = "Mark by filter"
        box.border_subtitle = "enter marks them · esc leaves"
        self.query_one(Input).focus()
        self._look(self.typed)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._look(event.value)

    def _look(self, typed: str) -> None:
        trouble = ""
        try:
            self.taken = selector(typed).of(self.sessions())
        except UsageError as error:
            self.taken, trouble = (), str(error)
        self.query_one("#refusal", Static).update(text.printable(trouble))
        grid = self.query_one(Grid)
        grid.set_rows([_row(session) for session in self.taken])
        grid.set_title("Takes", f"{len(self.taken)}")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._look(event.value)
        if self.taken:
            self.dismiss(self.taken)

    def action_leave(self) -> None:
        self.dismiss(None)


def _row(session: Session) -> GridRow:
    age = session.query_age if session.state == "active" else session.state_age
    return GridRow(
        f"{session.id}/{session.started}",
        (
            session.id, session.user, session.application, session.state, text.duration(age),
            text.one_line(session.query, 200),
        ),
    )  # fmt: skip
