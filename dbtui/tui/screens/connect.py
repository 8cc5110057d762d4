"""The connection picker: saved connections and those that the environment names."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input, Static

from dbtui.config import Candidate, Target, discover, resolve
from dbtui.errors import DbtuiError
from dbtui.model.server import Environment
from dbtui.text import printable
from dbtui.tui.keys import bindings
from dbtui.tui.messages import OpenFleet
from dbtui.tui.views.base import matches
from dbtui.tui.widgets.grid import Grid, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role, glyphs
from dbtui.tui.widgets.status import KeyBar

COLUMNS = (
    GridColumn("name", "Name", 24, "left", 100),
    GridColumn("environment", "Environment", 13, "left", 90),
    GridColumn("url", "Server", None, "left", 80),
    GridColumn("origin", "From", 14, "left", 30),
    GridColumn("tags", "Tags", 20, "left", 20),
)
ROLES = {Environment.PRODUCTION: Role.BAD, Environment.STAGING: Role.WARN, Environment.DEVELOPMENT: Role.OK}
NOTHING = """\
no connection is saved and the environment names none

type a URL above, for example postgresql://me@db-01/orders
or leave with ctrl+q and try `dbtui demo`: a shop under load"""


def candidate_row(candidate: Candidate) -> GridRow:
    target = candidate.target
    return GridRow(
        target.name,
        (
            f"{glyphs().dot} {target.name}",
            (str(target.environment), ROLES[target.environment]),
            (target.url, Role.MUTED),
            (candidate.origin, Role.MUTED),
            (" ".join(target.tags), Role.MUTED),
        ),
    )


def _words(target: Target) -> tuple[str, ...]:
    return (target.name, target.environment, target.url, *target.tags)


def is_address(typed: str) -> bool:
    """Whether it is a URL or a conninfo string, rather than words to filter by."""
    return "://" in typed or "=" in typed


class ConnectScreen(Screen[None]):
    """Where the console starts without a server."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("connect")

    def __init__(self, trouble: str = "") -> None:
        super().__init__()
        self.trouble = trouble
        self.candidates: dict[str, Candidate] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="connect"):
            yield Static("dbtui", id="connect-title", markup=False)
            yield Input(placeholder="type to filter, or a URL to connect to", compact=True)
            yield Grid(COLUMNS, empty=NOTHING)
            yield Static("", id="connect-trouble", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        grid = self.query_one(Grid)
        grid.set_title("Connections")
        grid.set_subtitle(f"{glyphs().up} {glyphs().down} choose {glyphs().middot} enter connects")
        found, troubles = discover()
        self.candidates = {candidate.target.name: candidate for candidate in found}
        self.show_trouble("\n".join(filter(None, (self.trouble, *troubles))))
        self._show("")
        self.query_one(Input).focus()

    def show_trouble(self, message: str) -> None:
        """Say why no connection was had."""
        self.query_one("#connect-trouble", Static).update(printable(message, keep_newlines=True))

    def _show(self, words: str) -> None:
        kept = [c for c in self.candidates.values() if matches(words, *_words(c.target))]
        self.query_one(Grid).set_rows([candidate_row(candidate) for candidate in kept])

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value:
            self.show_trouble("")
        self._show("" if is_address(event.value) else event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        typed = event.value.strip()
        if is_address(typed):
            self._connect_to(typed)
        else:
            self._open_row()

    @on(Grid.Selected)
    def _selected(self, event: Grid.Selected) -> None:
        event.stop()
        self._open_row()

    def _connect_to(self, url: str) -> None:
        self.query_one(Input).value = ""  # it may hold a password
        try:
            self._open(resolve(url))
        except DbtuiError as error:
            self.show_trouble(str(error))

    def _open_row(self) -> None:
        key = self.query_one(Grid).cursor_key
        if key is not None and key in self.candidates:
            self._open(self.candidates[key].target)

    def _open(self, target: Target) -> None:
        from dbtui.tui.app import DbtuiApp

        self.show_trouble("")
        assert isinstance(self.app, DbtuiApp)
        self.app.connect(target)

    def action_fleet(self) -> None:
        """Watch all that the filter leaves."""
        shown = [self.candidates[row.key].target for row in self.query_one(Grid).rows]
        if shown:
            self.post_message(OpenFleet(shown))

    def action_down(self) -> None:
        self.query_one(Grid).action_cursor(1)

    def action_up(self) -> None:
        self.query_one(Grid).action_cursor(-1)
