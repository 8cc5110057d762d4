"""The line with the panes' digits and names."""

from __future__ import annotations

from collections.abc import Mapping

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from dbtui.tui.widgets.roles import Role, palette

SHORT = {"statements": "Stmts", "findings": "Finds", "migrate": "Migr", "advise": "Adv"}


class PaneTabs(Widget):
    """One line: `1 Live  2 Statements …`; the open one stands out, a click opens another."""

    DEFAULT_CSS = "PaneTabs { height: 1; padding: 0 1; }"
    active: reactive[str] = reactive("live")

    class Chosen(Message):
        """A pane was clicked."""

        def __init__(self, pane: str) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, panes: Mapping[int, str]) -> None:
        super().__init__()
        self.panes = panes

    def labels(self, width: int) -> list[tuple[str, str]]:
        """(pane, label) of each tab, short where the width does not hold the whole names."""
        whole = [(name, f" {number} {name.capitalize()} ") for number, name in self.panes.items()]
        if sum(len(label) for _, label in whole) <= width:
            return whole
        short = [
            (name, f" {number} {SHORT.get(name, name.capitalize())} ") for number, name in self.panes.items()
        ]
        if sum(len(label) for _, label in short) <= width:
            return short
        return [(name, f" {number} {name[:2].capitalize()}") for number, name in self.panes.items()]

    def render_line(self, y: int) -> Strip:
        colours = palette(self.app)
        background = self.background_colors[1]
        segments = []
        for name, label in self.labels(self.size.width):
            open_ = name == self.active
            style = colours.style(Role.ACCENT if open_ else Role.MUTED, background, bold=open_)
            segments.append(Segment(label, style + Style(underline=open_) if open_ else style))
        return Strip(segments).adjust_cell_length(self.size.width, colours.style(Role.TEXT, background))

    def on_click(self, event: events.Click) -> None:
        column = event.x - self.styles.padding.left
        for name, label in self.labels(self.size.width):
            if 0 <= column < len(label):
                self.post_message(self.Chosen(name))
                return
            column -= len(label)
