"""The console as a Textual app: options, themes, the first screen, and a way out that waits for nobody."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from dbtui import text
from dbtui.config import Secret, Target, discover
from dbtui.engines import create
from dbtui.errors import DbtuiError
from dbtui.model.catalog import Node
from dbtui.tui.browser import server_node
from dbtui.tui.keys import bindings, load_keymap
from dbtui.tui.messages import GaveUp, OpenServer, PickServer
from dbtui.tui.screens.confirm import PasswordQuestion
from dbtui.tui.screens.connect import ConnectScreen
from dbtui.tui.screens.help import HelpScreen
from dbtui.tui.screens.main import MainScreen
from dbtui.tui.themes import DEFAULT_THEME, load_themes
from dbtui.tui.widgets.roles import ASCII, use_glyphs

INTERVAL = 2.0  # seconds between two samples


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about the display. `interval` is in seconds."""

    theme: str | None = None
    ascii: bool = False
    slow_link: bool = False
    interval: float | None = None


class DbtuiApp(App[int]):
    """One console. `target` None opens the connection picker first."""

    TITLE = "dbtui"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-tiny"),
        (60, "-narrow"),
        (100, "-wide"),
    ]

    def __init__(self, target: Target | None = None, options: Options | None = None) -> None:
        super().__init__()
        self.target = target
        self.options = options or Options()
        self.animation_level = "none"  # an animated page scroll costs a quarter of a megabyte over SSH
        self.failure = ""  # one line, said on standard error after leaving
        if self.options.ascii:
            use_glyphs(ASCII)

    def on_mount(self) -> None:
        troubles = load_themes(self)
        troubles += load_keymap(self)
        self._choose_theme(troubles)
        self.set_class(self.options.ascii, "-ascii")
        self.set_class(self.options.slow_link, "-slow-link")
        if troubles:
            self.notify(
                "\n".join(map(text.printable, troubles)), severity="warning", markup=False, timeout=10
            )
        if self.target is not None:
            self.connect(self.target)
        else:
            self.push_screen(ConnectScreen())

    def _choose_theme(self, troubles: list[str]) -> None:
        wanted = self.options.theme or DEFAULT_THEME
        if wanted not in self.available_themes:
            troubles.append(f"there is no theme {wanted}: using {DEFAULT_THEME}")
            wanted = DEFAULT_THEME
        self.theme = wanted

    def connect(self, target: Target) -> None:
        """Open the console on a server."""
        name = target.name
        target = replace(target, prompt=lambda: self.ask_password(name))
        try:
            engine = create(target)
        except DbtuiError as error:
            self.give_up(name, str(error))
            return
        interval = self.options.interval or INTERVAL
        console = MainScreen(
            target, engine, self.servers(name), interval=interval, charts=not self.options.slow_link
        )
        self.install_screen(console, target.name)
        self._turn_to(target.name)

    def _turn_to(self, name: str) -> None:
        """Show an open console in place of the one that is shown."""
        if isinstance(self.screen, MainScreen):
            self.switch_screen(name)
        else:
            self.push_screen(name)

    def servers(self, own: str) -> list[Node]:
        """The top level of a console's tree: its own server, and the others that can be opened."""
        found = [candidate.target.name for candidate in discover()[0]]
        names = dict.fromkeys([own, *(name for name in found if name != own)])
        return [
            server_node(name, "" if name == own or self.is_screen_installed(name) else "not connected")
            for name in names
        ]

    @on(OpenServer)
    def _open_server(self, event: OpenServer) -> None:
        """Go to another server's console, opened if it is not yet."""
        name = event.name
        if self.is_screen_installed(name):
            self._turn_to(name)
            return
        candidate = next((c for c in discover()[0] if c.target.name == name), None)
        if candidate is not None:
            self.connect(candidate.target)

    @on(PickServer)
    def _pick_server(self) -> None:
        """Show the connection picker; consoles that are open stay so."""
        if isinstance(self.screen, MainScreen):
            self.switch_screen(ConnectScreen())

    async def ask_password(self, name: str) -> Secret | None:
        """Ask the person at the terminal; the connection is tried meanwhile by nobody."""
        answer: asyncio.Future[Secret | None] = asyncio.get_running_loop().create_future()
        self.push_screen(PasswordQuestion(name), answer.set_result)
        return await answer

    @on(GaveUp)
    def _gave_up(self, event: GaveUp) -> None:
        self.give_up(event.name, event.trouble)

    def give_up(self, name: str, message: str) -> None:
        """No connection could be had: back to the picker, or out where the command line named the server."""
        if self.target is not None and self.target.name == name:
            self.failure = message
            self.exit(2)
            return
        if not isinstance(self.screen, ConnectScreen):
            self.switch_screen(ConnectScreen(message))
        else:
            self.screen.show_trouble(message)
        if self.is_screen_installed(name):
            self.uninstall_screen(name)

    def action_help_keys(self) -> None:
        self.push_screen(HelpScreen())

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        from dbtui.tui.palette import commands_for

        yield from commands_for(self, screen)


def run_console(target: Target | None, options: Options) -> int:
    """Run the console until it is left; returns the exit code."""
    app = DbtuiApp(target, options)
    # A loop of our own: asyncio.run would wait for threads, and a thread may wait for a name server.
    code = app.run(loop=asyncio.new_event_loop())
    if app.failure:
        sys.stderr.write(f"dbtui: {text.printable(app.failure)}\n")
    return (app.return_code if code is None else code) or 0
