"""What grids and trees share: a long list in a frame, a cursor on a line of it, keys and wheel to move it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from dbtui.tui.keys import bindings
from dbtui.tui.widgets.cells import fit, wrapped
from dbtui.tui.widgets.frame import Canvas, Framed
from dbtui.tui.widgets.roles import Role, glyphs
from dbtui.tui.widgets.viewport import Viewport

WHEEL = 3  # lines a turn


class Thumb(Canvas):
    """The scroll bar: one cell wide, always there, so that nothing moves when a list grows."""

    DEFAULT_CSS = "Thumb { width: 1; height: 1fr; }"

    def __init__(self, view: Viewport, skip: int) -> None:
        super().__init__()
        self.view = view
        self.skip = skip  # lines above the first that scrolls
        self.shown = range(0)

    def update(self) -> None:
        """Draw again where the thumb has moved."""
        thumb = self.view.thumb()
        if thumb != self.shown:
            self.shown = thumb
            self.refresh()

    def render_line(self, y: int) -> Strip:
        here = y - self.skip in self.shown
        return Strip(
            [Segment(glyphs().thumb if here else " ", self.palette.style(Role.MUTED, self.ground))], 1
        )

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        self.capture_mouse()
        self._drag(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self.app.mouse_captured is self:
            self._drag(event.y)

    def on_mouse_up(self) -> None:
        self.release_mouse()

    def _drag(self, y: int) -> None:
        listing = next((node for node in self.ancestors if isinstance(node, Listing)), None)
        if listing is not None:
            listing.scroll_lines(self.view.top_at(y - self.skip) - self.view.top)


class Empty(Canvas):
    """What stands where a list has no lines: what would be here, and the key to get it."""

    DEFAULT_CSS = "Empty { width: 1fr; height: 1fr; }"

    text = ""

    def show(self, text: str) -> None:
        if text != self.text:
            self.text = text
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        style = self.palette.style(Role.MUTED, self.ground)
        lines = [part for line in self.text.split("\n") for part in wrapped(line, width - 3)]
        first = min(max(1, (self.size.height - len(lines)) // 3), max(0, self.size.height - len(lines)))
        text = f"  {lines[y - first]}" if 0 <= y - first < len(lines) else ""
        return Strip([Segment(fit(text, width), style)], width)


class Listing(Framed, can_focus=True):
    """A list of lines with a cursor. Subclasses draw; `lines_moved` and `cursor_moved` say what happened."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("list")
    HEADER: ClassVar[int] = 0  # lines above the list that do not scroll

    stale: reactive[bool] = reactive(False, repaint=False)

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.view = Viewport()
        self.thumb = Thumb(self.view, self.HEADER)
        self.nothing = Empty()
        self.nothing.text = empty

    def compose_body(self) -> Iterable[Widget]:
        yield self.nothing
        yield from self.compose_lines()
        yield self.thumb

    def compose_lines(self) -> Iterable[Widget]:
        """The widgets that draw the lines, side by side."""
        return ()

    @property
    def empty(self) -> str:
        """What is said when there is nothing to list."""
        return self.nothing.text

    @empty.setter
    def empty(self, text: str) -> None:
        self.nothing.show(text)

    @property
    def body_height(self) -> int:
        """Lines of the list that are in sight."""
        return max(0, self.inside.height - self.HEADER)

    @property
    def body_width(self) -> int:
        """Cells of a line: without the frame and the scroll bar."""
        return max(0, self.inside.width - 1)

    # ── what subclasses do when something moved
    def lines_moved(self) -> None:
        """The window moved: every line is another one."""

    def cursor_moved(self, before: int) -> None:
        """The cursor left the line `before`; the window stayed."""

    def cursor_settled(self) -> None:
        """The user put the cursor somewhere else."""

    def action_select(self) -> None:
        """The user chose the line under the cursor."""

    def on_focus(self) -> None:
        self._show_focus()

    def on_blur(self) -> None:
        self._show_focus()

    def _show_focus(self) -> None:
        """The line under the cursor looks different while the keys are elsewhere."""
        for canvas in self.query(Canvas):
            canvas.refresh()

    # ── movement
    def move_cursor(self, to: int) -> None:
        """Put the cursor on a line by its index, as a key would."""
        top, before = self.view.top, self.view.cursor
        self.view.move_to(to)
        self._moved(top, before)
        if self.view.cursor != before:
            self.cursor_settled()

    def scroll_lines(self, lines: int) -> None:
        """Move the window and leave the cursor where it is."""
        top = self.view.top
        self.view.scroll(lines)
        self._moved(top, self.view.cursor)

    def _moved(self, top: int, before: int) -> None:
        if self.view.top != top:
            self.lines_moved()
            self.thumb.update()
        elif self.view.cursor != before:
            self.cursor_moved(before)

    def action_cursor(self, step: int) -> None:
        self.move_cursor(self.view.cursor + step)

    def action_page(self, step: int) -> None:
        self.move_cursor(self.view.cursor + step * max(1, self.body_height - 1))

    def action_edge(self, step: int) -> None:
        self.move_cursor(0 if step < 0 else self.view.count - 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-WHEEL)

    def clicked(self, line: int, chain: int) -> None:
        """A click on a line of the window; the second of a double click chooses it."""
        index = self.view.top + line
        if 0 <= line < self.body_height and index < self.view.count:
            self.move_cursor(index)
            if chain == 2:
                self.action_select()
