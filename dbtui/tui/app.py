"""The console as a Textual app: options, themes, the first screen, and a way out that waits for nobody."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import ClassVar

from rich.console import RenderableType
from textual import on
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import Static

from dbtui import policy, text
from dbtui.config import Secret, Target, discover
from dbtui.engines import create
from dbtui.errors import DbtuiError
from dbtui.live import histories
from dbtui.live.stand_in import StandIn
from dbtui.model.catalog import Node
from dbtui.tui.ascii import AsciiOnly
from dbtui.tui.browser import server_node
from dbtui.tui.keys import bindings, load_keymap
from dbtui.tui.messages import GaveUp, OpenFleet, OpenServer, OpenTarget, PickServer
from dbtui.tui.screens.confirm import PasswordQuestion
from dbtui.tui.screens.connect import ConnectScreen
from dbtui.tui.screens.main import MainScreen
from dbtui.tui.terminal import TerminalDriver
from dbtui.tui.themes import DEFAULT_THEME, load_themes
from dbtui.tui.widgets.roles import ASCII, glyphs, use_glyphs

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

    def __init__(
        self,
        target: Target | None = None,
        options: Options | None = None,
        stand_in: StandIn | None = None,
        fleet: Sequence[Target] = (),
    ) -> None:
        super().__init__(driver_class=TerminalDriver)
        self.fleet = fleet  # servers that are watched at once
        self.target = target
        self.stand_in = stand_in
        self.options = options or Options()
        self.animation_level = "none"  # an animated page scroll costs a quarter of a megabyte over SSH
        self.consoles: dict[str, MainScreen] = {}  # those that are open, by the name of their server
        self._shown_before = ""  # the console that a new one took the place of
        self.failure = ""  # one line, said on standard error after leaving
        self.set_class(self.options.ascii, "-ascii")
        self._ascii_only = AsciiOnly(enabled=self.options.ascii)
        if self.options.ascii:
            use_glyphs(ASCII)

    def compose(self) -> ComposeResult:
        where = f"connecting to {self.target.name}" if self.target is not None else "connections"
        yield Static(text.printable(f" dbtui {glyphs().dot} {where}"), markup=False)

    def on_mount(self) -> None:
        troubles = load_themes(self)
        troubles += load_keymap(self)
        self._choose_theme(troubles)
        if troubles:
            self.notify(
                "\n".join(map(text.printable, troubles)), severity="warning", markup=False, timeout=10
            )
        if not self.is_headless:
            self._leave_on_signals()
        self.call_after_refresh(self._begin)  # first a sign of life, then what is dear to import

    def _begin(self) -> None:
        if self.stand_in is not None:
            self.show_stand_in(self.stand_in)
        elif self.target is not None:
            self.connect(self.target)
        elif self.fleet:
            self.show_fleet(self.fleet)
        else:
            self.push_screen(ConnectScreen())
        gc.freeze()  # what was imported stays: nothing of it need be searched for garbage
        gc.set_threshold(50_000, 50, 100)

    def _leave_on_signals(self) -> None:
        """A hang-up, SIGTERM and SIGINT leave as a key would: the terminal is restored, statements are cancelled."""
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.exit, 128 + number)

    @contextlib.contextmanager
    def lend_terminal(self) -> Iterator[None]:
        """Leave the terminal, and its Ctrl+C, to another program inside. Raises SuspendNotSupported without one."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: None)
        try:
            with self.suspend():
                yield
        finally:
            self._leave_on_signals()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Those of Textual; with `--ascii`, one that lets nothing else through."""
        filters = super().get_line_filters()
        return [*filters, self._ascii_only] if self._ascii_only.enabled else filters

    def _choose_theme(self, troubles: list[str]) -> None:
        wanted = self.options.theme or DEFAULT_THEME
        if wanted not in self.available_themes:
            troubles.append(f"there is no theme {wanted}: using {DEFAULT_THEME}")
            wanted = DEFAULT_THEME
        self.theme = wanted

    def connect(self, target: Target) -> None:
        """Show the console of a server, opened if it is not yet."""
        if (name := self._open_name(target)) is not None:
            self._turn_to(name)
            return
        name = self._free_name(target.name)
        target = replace(target, name=name, prompt=lambda: self.ask_password(name))
        if policy.current().read_only:
            target = replace(target, read_only=True)
        try:
            engine = create(target)
        except DbtuiError as error:
            self.give_up(name, str(error))
            return
        interval = self.options.interval or INTERVAL
        console = MainScreen(
            target, engine, self.servers(name), interval=interval, charts=not self.options.slow_link
        )
        self._shown_before = self.screen.target.name if isinstance(self.screen, MainScreen) else ""
        self.consoles[name] = console
        self.install_screen(console, name)
        self._turn_to(name)

    def show_stand_in(self, what: StandIn) -> None:
        """Show the console of a recording or a log."""
        name = what.target.name
        console = MainScreen(
            what.target, what.engine, [server_node(name, what.target.scheme)],
            interval=self.options.interval or INTERVAL, charts=not self.options.slow_link,
            recording=what.recording, pane=what.pane,
        )  # fmt: skip
        self.consoles[name] = console
        self.install_screen(console, name)
        self._turn_to(name)
        if what.note:
            self.notify(text.printable(what.note), severity="warning", markup=False, timeout=10)

    def save_histories(self) -> None:
        """Write down what each console has seen, for `dbtui replay --last`. What cannot be written is let go."""
        for console in self.consoles.values():
            if console.target.url:  # no recording, and no log
                with contextlib.suppress(OSError):
                    histories.save(console.session.tape)

    def _open_name(self, target: Target) -> str | None:
        """The name of the console that is open on this very server, if there is one."""
        same = (
            name
            for name, console in self.consoles.items()
            if (console.target.url, console.target.ssh) == (target.url, target.ssh)
        )
        return next(same, None)

    def _free_name(self, name: str) -> str:
        """The name, with a number behind it where another server's console has it already."""
        if name not in self.consoles:
            return name
        return next(free for number in count(2) if (free := f"{name} ({number})") not in self.consoles)

    def _turn_to(self, name: str) -> None:
        """Show an open console in place of the one that is shown."""
        if self.screen is self.consoles[name]:
            return
        if isinstance(self.screen, MainScreen | ConnectScreen) or self.screen.has_class("-fleet"):
            self.switch_screen(name)
        else:
            self.push_screen(name)

    def servers(self, own: str) -> list[Node]:
        """The top level of a console's tree: its own server, and the others that can be opened."""
        found = [candidate.target.name for candidate in discover()[0]]
        names = dict.fromkeys([own, *(name for name in found if name != own)])
        return [
            server_node(name, "" if name == own or name in self.consoles else "not connected")
            for name in names
        ]

    @on(OpenServer)
    def _open_server(self, event: OpenServer) -> None:
        """Go to another server's console, opened if it is not yet."""
        if event.name in self.consoles:
            self._turn_to(event.name)
            return
        candidate = next((c for c in discover()[0] if c.target.name == event.name), None)
        if candidate is not None:
            self.connect(candidate.target)

    @on(PickServer)
    def _pick_server(self) -> None:
        """Show the fleet where there is one, else the connection picker; consoles that are open stay so."""
        if isinstance(self.screen, MainScreen) and self.is_screen_installed("fleet"):
            self.switch_screen("fleet")
        else:
            self.switch_screen(ConnectScreen())

    def show_fleet(self, targets: Sequence[Target]) -> None:
        """Watch several servers at once, in place of those that were watched before."""
        from dbtui.tui.screens.fleet import FleetScreen

        if self.is_screen_installed("fleet"):
            self.uninstall_screen("fleet")
        self.install_screen(FleetScreen(targets, interval=self.options.interval), "fleet")
        if isinstance(self.screen, ConnectScreen):
            self.switch_screen("fleet")
        else:
            self.push_screen("fleet")

    @on(OpenFleet)
    def _open_fleet(self, event: OpenFleet) -> None:
        self.show_fleet(event.targets)

    @on(OpenTarget)
    def _open_target(self, event: OpenTarget) -> None:
        self.connect(event.target)

    async def ask_password(self, name: str) -> Secret | None:
        """Ask the person at the terminal; the connection is tried meanwhile by nobody."""
        answer: asyncio.Future[Secret | None] = asyncio.get_running_loop().create_future()
        self.push_screen(
            PasswordQuestion(name), lambda given: None if answer.done() else answer.set_result(given)
        )
        return await answer

    @on(GaveUp)
    def _gave_up(self, event: GaveUp) -> None:
        self.give_up(event.name, event.trouble)

    def exit(
        self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None
    ) -> None:
        """Leave, with an exit code as the result."""
        for console in self.consoles.values():
            console.leave()
        super().exit(result, return_code, message)

    def give_up(self, name: str, message: str) -> None:
        """No connection could be had: back to where one came from, or out where the command line named it."""
        console = self.consoles.pop(name, None)
        if self.target is not None and self.target.name == name and not self.consoles:
            self.failure = message
            self.exit(2)
            return
        if isinstance(self.screen, ConnectScreen):
            self.screen.show_trouble(message)
        elif console is None or console is not self.screen or self._shown_before in self.consoles:
            self.notify(text.printable(message), severity="error", markup=False, timeout=10)
            if console is self.screen:
                self._turn_to(self._shown_before)
        elif self.is_screen_installed("fleet"):
            self.notify(text.printable(message), severity="error", markup=False, timeout=10)
            self.switch_screen("fleet")
        else:
            self.switch_screen(ConnectScreen(message))
        if console is not None:
            self.uninstall_screen(name)
            console.leave()
            console.remove()

    def _fatal_error(self) -> None:
        """Textual's traceback, without the values of variables: a statement or an address may hold a secret."""
        from rich.traceback import Traceback

        self.panic(Traceback(width=None, show_locals=False))

    def copy_to_clipboard(self, text: str) -> None:
        """See `App`. UTF-8 has no halves of surrogate pairs, which documents of JSON may hold."""
        super().copy_to_clipboard(text.encode("utf-8", "replace").decode())

    def action_help_keys(self) -> None:
        from dbtui.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen())

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        from dbtui.tui.palette import commands_for

        yield from commands_for(self, screen)


def run_console(
    target: Target | None, options: Options, stand_in: StandIn | None = None, fleet: Sequence[Target] = ()
) -> int:
    """Run the console on a server, on what stands in for one, or on a fleet, until it is left; the exit code."""
    app = DbtuiApp(target, options, stand_in, fleet)
    # A loop of our own: asyncio.run would wait for threads, and a thread may wait for a name server.
    try:
        code = app.run(loop=asyncio.new_event_loop())
    finally:
        app.save_histories()
    if app.failure:
        sys.stderr.write(f"dbtui: {text.printable(app.failure)}\n")
    return (app.return_code if code is None else code) or 0
