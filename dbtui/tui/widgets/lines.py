"""A listing whose lines are drawn whole: the base of the trees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from dbtui.tui.widgets.cells import width_of
from dbtui.tui.widgets.frame import Canvas
from dbtui.tui.widgets.listing import Listing
from dbtui.tui.widgets.roles import Role

Piece = tuple[str, Role]  # harmless text of a known width, and its role


class LineCanvas(Canvas):
    """Draws the visible lines of its listing."""

    DEFAULT_CSS = "LineCanvas { width: 1fr; height: 1fr; }"

    def __init__(self, listing: LineListing) -> None:
        super().__init__()
        self.listing = listing

    def render_line(self, y: int) -> Strip:
        listing, width = self.listing, self.size.width
        header = listing.HEADER
        index = listing.view.top + y - header
        ground, colours = self.ground, self.palette
        if y < header:
            pieces: Sequence[Piece] = listing.heading(width)
            cursor = False
        elif index < listing.view.count:
            pieces = listing.pieces(index, width)
            cursor = listing.whole_lines and index == listing.view.cursor
        else:
            pieces, cursor = (), False
        focused = listing.has_focus
        segments = [
            Segment(
                text,
                colours.style(
                    role, ground, cursor=cursor, focused=focused, faded=listing.stale and y >= header
                ),
            )
            for text, role in pieces
            if text
        ]
        rest = width - sum(width_of(text) for text, _ in pieces)
        if rest > 0:
            segments.append(
                Segment(" " * rest, colours.style(Role.TEXT, ground, cursor=cursor, focused=focused))
            )
        return Strip(segments, max(width, width - rest))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.listing.clicked_at(event.x, event.y - self.listing.HEADER, event.chain)


class LineListing(Listing):
    """Lines in one canvas. A subclass says what is on a line; `refresh_line_at` sends some of them again."""

    whole_lines = True  # the cursor is a line; else the subclass draws it

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, empty=empty)
        self.canvas = LineCanvas(self)
        self.canvas.display = False

    def compose_lines(self) -> Iterable[Widget]:
        yield self.canvas

    def heading(self, width: int) -> Sequence[Piece]:
        """The header line; only asked for where `HEADER` is 1."""
        return ()

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """What stands on a line, in at most `width` cells."""
        raise NotImplementedError

    def set_count(self, count: int) -> None:
        """There are that many lines now, and all of them may be others."""
        self.view.resize(count, self.body_height)
        self.nothing.display = not count
        self.canvas.display = bool(count)
        self.canvas.refresh()
        self.thumb.update()

    def refit(self) -> None:
        self.view.resize(self.view.count, self.body_height)
        self.canvas.refresh()
        self.thumb.update()

    def refresh_line_at(self, *indices: int) -> None:
        """Send lines again, where they are in sight."""
        regions = [
            Region(0, index - self.view.top + self.HEADER, self.body_width, 1)
            for index in indices
            if index in self.view.lines
        ]
        if regions:
            self.canvas.refresh(*regions)

    def lines_moved(self) -> None:
        self.canvas.refresh()

    def cursor_moved(self, before: int) -> None:
        self.refresh_line_at(before, self.view.cursor)

    def watch_stale(self) -> None:
        self.canvas.refresh()

    def clicked_at(self, x: int, line: int, chain: int) -> None:
        """A click on a cell of a line."""
        self.clicked(line, chain)
