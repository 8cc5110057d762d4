"""A box around a widget: noun at the left of its top line, live value at the right, notes at the bottom.

Each part is a widget of its own, because the terminal gets a widget's line from its left end on: a figure
that changes in the title must not send the whole line again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Self

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.color import Color
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from dbtui.tui.widgets.cells import fit, tidy, width_of
from dbtui.tui.widgets.roles import Palette, Role, glyphs, palette

NOUN_ROOM = 6  # cells that a title keeps when its value is long


class Canvas(Widget):
    """A widget that draws its own lines, with the theme's palette and its own background at hand.

    It has no border, no padding and no opacity: each line stands on the screen as it was drawn, until a refresh
    names it or the size is another one.
    """

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        self._lines: dict[int, Strip] = {}
        self._drawn_at = Size()
        super().__init__(id=id, classes=classes)

    @property
    def palette(self) -> Palette:
        return palette(self.app)

    @property
    def ground(self) -> Color:
        """The colour below the text."""
        if self._ground is None:
            self._ground = self.background_colors[1]
        return self._ground

    _ground: Color | None = None  # for the lines of one drawing: it is asked of all ancestors

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Draw the lines of some regions again; all of them where none is given."""
        if not regions:
            self._lines.clear()
        for region in regions:
            for y in region.line_range:
                self._lines.pop(y, None)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_lines(self, crop: Region) -> list[Strip]:
        self._ground = None
        if self._drawn_at != self.size:
            self._drawn_at = self.size
            self._lines.clear()
        lines = [self._line(y) for y in crop.line_range]
        left, right = crop.column_span
        return lines if (left, right) == (0, self.size.width) else [line.crop(left, right) for line in lines]

    def _line(self, y: int) -> Strip:
        line = self._lines.get(y)
        if line is None:
            line = self.render_line(y)
            for line_filter in self.get_line_filters():
                line = line.apply_filter(line_filter, self.ground)
            self._lines[y] = line
        return line

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self.refresh())


class Edge(Canvas):
    """A piece of a frame: a line with a corner at one end or both, and a label in it, or a side."""

    DEFAULT_CSS = """
    Edge { height: 1; width: 1fr; }
    Edge.-end { width: 2; }
    Edge.-side { height: 1fr; width: 1; }
    """

    def __init__(self, left: str, right: str, *, classes: str = "") -> None:
        super().__init__(classes=classes)
        self.left = left
        self.right = right
        self.label = ""
        self.role = Role.TEXT

    @property
    def room(self) -> int:
        """Cells for a label."""
        return max(0, self.size.width - 4)

    def set_label(self, label: str, role: Role) -> None:
        """Show a label; nothing is sent when it is the one that stands there."""
        if (label, role) != (self.label, self.role):
            self.label, self.role = label, role
            corner = 2 if self.has_class("-end") else 0
            self.refresh(Region(0, 0, max(1, self.size.width - corner), 1))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        frame = self.parent.parent if self.parent is not None else None
        focused = isinstance(frame, Framed) and frame.active
        ground, colours = self.ground, self.palette
        edge = colours.edge(ground, focused=focused)
        if self.has_class("-side"):
            return Strip([Segment(glyphs().rail, edge)], 1)
        line = glyphs().line
        label = tidy(self.label, self.room)
        if width_of(label) > self.room:
            label = fit(label, self.room) if self.room > 1 else ""
        if not label:
            bare = line * (width - len(self.left + self.right))
            return Strip([Segment(self.left + bare + self.right, edge)], width)
        at_end = self.has_class("-end")
        role = Role.ACCENT if focused and not at_end and self.role is Role.TEXT else self.role
        style = colours.style(role, ground, bold=focused and not at_end)
        before, after = (self.left, line + self.right) if at_end else (self.left + line, self.right)
        fill = line * (width - width_of(label) - 2 - len(before) - len(after))
        head, tail = (before + fill, after) if at_end else (before, fill + after)
        parts = [Segment(head, edge), Segment(f" {label} ", style), Segment(tail, edge)]
        return Strip([part for part in parts if part.text], width)


class Row(Widget):
    """Widgets side by side, without anything of its own."""

    BLANK = True

    DEFAULT_CSS = """
    Row { layout: horizontal; height: 1; }
    Row.-body { height: 1fr; }
    """


class Framed(Widget):
    """A widget in a frame. What is inside comes from `compose_body`."""

    BLANK = True

    DEFAULT_CSS = """
    Framed { layout: vertical; height: 1fr; }
    Framed.-bare > .-top, Framed.-bare > .-bottom, Framed.-bare > .-body > .-side { display: none; }
    """
    NOUN: ClassVar[Role] = Role.TEXT
    GROWTH: ClassVar[int] = 12  # cells that a value at a line's end may shrink before its room does

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        tl, tr, bl, br = glyphs().corners
        self.title_edge = Edge(tl, "")
        self.value_edge = Edge("", tr, classes="-end")
        self.foot_edge = Edge(bl, "")
        self.note_edge = Edge("", br, classes="-end")
        self._bands = (Row(classes="-top"), Row(classes="-body"), Row(classes="-bottom"))

    def compose(self) -> ComposeResult:
        top, body, bottom = self._bands
        with top:
            yield self.title_edge
            yield self.value_edge
        with body:
            yield Edge("", "", classes="-side")
            yield from self.compose_body()
            yield Edge("", "", classes="-side")
        with bottom:
            yield self.foot_edge
            yield self.note_edge

    def compose_body(self) -> Iterable[Widget]:
        """The widgets inside the frame, side by side."""
        return ()

    @property
    def active(self) -> bool:
        """Whether the focus is here."""
        return self.has_focus

    @property
    def framed(self) -> bool:
        """Whether the frame is drawn."""
        return not self.has_class("-bare")

    @property
    def inside(self) -> Size:
        """The room inside the frame."""
        lost = 2 if self.framed else 0
        return Size(max(0, self.size.width - lost), max(0, self.size.height - lost))

    def set_title(self, noun: str, value: str = "", role: Role = Role.TEXT) -> None:
        """The top line: what this is, and at the right its live value. Both are drawn as plain text."""
        if not self.framed:
            self.remove_class("-bare")
            self.refit()
        self.title_edge.set_label(noun, self.NOUN)
        self.value_edge.set_label(value, role)
        self._give_room(self.value_edge)

    def set_subtitle(self, text: str, role: Role = Role.MUTED) -> None:
        """The bottom line's right end: state of sort and filter."""
        self.note_edge.set_label(text, role)
        self._give_room(self.note_edge)

    def _give_room(self, edge: Edge) -> None:
        """Fit the width of a line's end to its label, without following each digit."""
        limit = self.size.width - 2
        if not self.framed or limit <= 2:
            return
        if edge is self.value_edge:
            limit = max(2, limit - NOUN_ROOM)
        have = edge.styles.width.cells if edge.styles.width is not None else None
        label = tidy(edge.label, max(1, limit))
        need = max(2, min(width_of(label) + 4 if label else 2, limit))
        if have is None or need > have or need < have - self.GROWTH or have > limit:
            edge.styles.width = need

    def on_resize(self, event: events.Resize) -> None:
        for edge in (self.value_edge, self.note_edge):
            self._give_room(edge)
        self.refit()

    def refit(self) -> None:
        """The room inside the frame changed."""

    def on_focus(self) -> None:
        self._refresh_edges()

    def on_blur(self) -> None:
        self._refresh_edges()

    def _refresh_edges(self) -> None:
        for edge in self.query(Edge):
            edge.refresh()


class Frame(Framed):
    """A frame around any other widget: `with Frame("Statement"): yield …`."""

    def __init__(
        self,
        noun: str,
        *children: Widget,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._inside = list(children)
        self.title_edge.label = noun

    def compose_add_child(self, widget: Widget) -> None:
        self._inside.append(widget)

    def compose_body(self) -> Iterable[Widget]:
        return self._inside

    @property
    def active(self) -> bool:
        return any(widget.has_focus for widget in self.query("*"))

    def on_descendant_focus(self) -> None:
        self._refresh_edges()

    def on_descendant_blur(self) -> None:
        self._refresh_edges()
