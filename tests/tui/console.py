"""The console driven by Textual's pilot against a real server: type, wait until something is to be seen, look."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from textual._context import visible_screen_stack
from textual.drivers.headless_driver import HeadlessDriver
from textual.events import Key, Resize
from textual.geometry import Size
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from dbtui.config import Target, resolve, state_folder
from dbtui.model.server import Environment
from dbtui.tui.app import DbtuiApp, Options
from dbtui.tui.screens.main import MainScreen
from dbtui.tui.widgets.grid import Cell, Grid, GridRow

TALL = (120, 300)  # for trees: other tests leave databases behind
PATIENCE = 30.0  # seconds for something to be seen; long, since the machine may be busy
POLL = 0.03
_KEYS = {
    " ": "space", "/": "slash", "?": "question_mark", ":": "colon", "+": "plus", "-": "minus", "_": "underscore",
    ".": "full_stop", '"': "quotation_mark", "]": "right_square_bracket", "[": "left_square_bracket",
    "*": "asterisk", "(": "left_parenthesis", ")": "right_parenthesis", "=": "equals_sign", ";": "semicolon",
}  # fmt: skip


def target_of(url: str, environment: Environment = Environment.DEVELOPMENT, **more: Any) -> Target:
    """A target without a name of its own, as a URL on the command line gives."""
    return replace(resolve(url), **{"name": "here", "environment": environment, **more})


def _character(key: str) -> str | None:
    if len(key) == 1:
        return key
    return next((character for character, name in _KEYS.items() if name == key), None)


def text_of(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell[0]


async def _handled(*pumps: MessagePump) -> None:
    """Wait until each of these has handled what it has heard so far."""
    waited = [asyncio.Event() for _ in pumps]
    for pump, event in zip(pumps, waited, strict=True):
        if not pump.call_later(event.set):
            event.set()
    async with asyncio.timeout(PATIENCE):
        for event in waited:
            await event.wait()


class Console:
    """One running console. What it shows is read from the screen that is drawn, not from its widgets."""

    def __init__(self, app: DbtuiApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def main(self) -> MainScreen:
        """The console's screen, also while a dialog lies over it."""
        return next(screen for screen in reversed(self.app.screen_stack) if isinstance(screen, MainScreen))

    def shown(self) -> str:
        """The lines of the screen, with what lies below a dialog."""
        visible_screen_stack.set(
            self.app._background_screens
        )  # else a dialog keeps an empty ground in its cache
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    def toasts(self) -> list[str]:
        """What toasts say, gone ones too."""
        return [str(notification.message) for notification in self.app._notifications]

    async def until(self, what: Callable[[], object], why: str = "") -> None:
        """Let the console run until something is true."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while not what():
            assert loop.time() < end, f"{why or 'it never came true'}; the screen:\n{self.shown()}"
            await asyncio.sleep(POLL)
        await self.settle()

    async def sees(self, *words: str) -> None:
        """Wait until the screen shows all of these texts."""

        def missing() -> list[str]:
            text = self.shown()
            return [word for word in words if word not in text]

        await self.until(lambda: not missing(), f"never seen: {words}")

    async def sees_no_more(self, *words: str) -> None:
        """Wait until the screen shows none of these texts."""
        await self.until(lambda: not any(word in self.shown() for word in words), f"still seen: {words}")

    async def hears(self, word: str) -> None:
        """Wait for a toast that says it."""
        await self.until(
            lambda: any(word in said for said in self.toasts()), f"no toast says {word!r}: {self.toasts()}"
        )

    async def settle(self) -> None:
        """Let all that was heard be handled, and what that gave rise to.

        The pilot's own `pause` waits for an idle processor instead, which a console that samples seldom is.
        """
        quiet = 0
        while quiet < 2 and self.app.is_running and not self.app._exit:
            screen = self.app.screen
            await _handled(*(screen.focused or screen).ancestors_with_self)
            everyone = (self.app, *screen.walk_children(with_self=True))
            quiet = quiet + 1 if all(one._message_queue.empty() for one in everyone) else 0

    async def still(self) -> None:
        """Wait until the screen is drawn: until it stays the same for a moment."""
        same, before = 0, ""
        while same < 4:
            await asyncio.sleep(POLL)
            await self.settle()
            now = self.shown()
            same, before = (same + 1, now) if now == before else (0, now)

    async def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        size = Size(width, height)
        assert isinstance(self.app._driver, HeadlessDriver)
        self.app._driver._size = size
        self.app.post_message(Resize(size, size))
        await self.settle()

    async def press(self, *keys: str) -> None:
        """Press keys by Textual's names."""
        for key in keys:
            event = Key(key, _character(key))
            event.set_sender(self.app)
            self.app.post_message(event)
            await self.settle()

    async def type(self, text: str, *then: str) -> None:
        """Type a text into what is focused, then press further keys."""
        await self.press(*(_KEYS.get(character, character) for character in text), *then)

    async def click(self, widget: Any, x: int = 0, y: int = 0) -> None:
        """Click a cell of a widget."""
        await self.pilot.click(widget, offset=(x, y))
        await self.settle()

    async def edit(self, sql: str) -> None:
        """Put a text into the editor of the query pane, with the cursor at its end."""
        await self.press("4")
        area = self.app.screen.query_one("#editor")
        area.text = sql
        area.move_cursor(area.document.end)
        area.focus()

    def grid(self, id_: str = "sessions") -> Grid:
        return self.main.query_one(f"Grid#{id_}", Grid)

    def rows(self, id_: str = "sessions") -> list[list[str]]:
        """The cells of a grid's rows as texts, those out of sight too."""
        return [[text_of(cell) for cell in row.cells] for row in self.grid(id_).rows]

    def row(self, id_: str, word: str) -> GridRow | None:
        """The first row of a grid with a word in it."""
        return next(
            (row for row in self.grid(id_).rows if any(word in text_of(cell) for cell in row.cells)), None
        )

    async def go_to_row(self, word: str, id_: str = "sessions") -> GridRow:
        """Wait for a row with a word in it and put the cursor there."""
        await self.until(lambda: self.row(id_, word), f"no row has {word!r}")
        row = self.row(id_, word)
        assert row is not None
        self.grid(id_).cursor_key = row.key
        await self.settle()
        return row

    async def opened(self) -> None:
        """Wait until the console of a server is on the screen."""
        await self.until(lambda: any(isinstance(screen, MainScreen) for screen in self.app.screen_stack))

    async def connected(self) -> None:
        """Wait for the first sample."""
        await self.opened()
        await self.until(lambda: any(isinstance(screen, MainScreen) for screen in self.app.screen_stack))
        await self.until(
            lambda: self.main.snapshot is not None and self.main.snapshot.activity.value is not None
        )


@asynccontextmanager
async def console(
    target: Target | str | None,
    *,
    size: tuple[int, int] = (120, 40),
    interval: float = 0.25,
    wait: bool = True,
    **options: Any,
) -> AsyncIterator[Console]:
    """A console on a server; `wait` is for its first sample."""
    app = DbtuiApp(
        target_of(target) if isinstance(target, str) else target, Options(interval=interval, **options)
    )
    async with app.run_test(size=size) as pilot:
        made = Console(app, pilot)
        if wait:
            await made.connected()
        yield made
        app.exit()


def audit_lines() -> list[dict[str, str]]:
    """What the audit file of this test's state folder holds."""
    file = state_folder() / "audit.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def audited(*facts: str, lines: Iterable[dict[str, str]] | None = None) -> list[tuple[str, ...]]:
    """Some facts of each audit line, in order."""
    return [tuple(line[fact] for fact in facts) for line in (audit_lines() if lines is None else lines)]
