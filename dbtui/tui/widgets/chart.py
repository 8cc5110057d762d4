"""A small chart of the last minutes: one run of block characters a line, its value in the frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from dbtui.tui.widgets.cells import fit, tidy, width_of
from dbtui.tui.widgets.frame import Canvas, Framed
from dbtui.tui.widgets.roles import Role, glyphs

KEPT = 512  # values: more than any terminal is wide
SPARK = 3  # lines below which a chart is one line without a frame


def bars(
    values: Sequence[float | None], width: int, height: int, limit: float | None, signs: str
) -> tuple[str, ...]:
    """The newest `width` values as `height` lines of `width` block characters, the top line first.

    `signs` are the fillings of a cell, lowest first. The scale goes from 0 to `limit`, or to the largest
    value in sight. A value of None is a gap; every other value, 0 too, shows at least the lowest sign.
    """
    seen = list(values[-width:]) if width > 0 else []
    top = limit or max((v for v in seen if v is not None), default=0.0) or 1.0
    steps = len(signs)
    full = height * steps
    levels = [0] * (width - len(seen))
    levels += [0 if v is None else min(full, max(1, round(v / top * full))) for v in seen]
    return tuple(
        "".join(" " if n <= below else signs[min(n - below, steps) - 1] for n in levels)
        for below in range((height - 1) * steps, -1, -steps)
    )


class Plot(Canvas):
    """The lines of a chart. A line that stays the same is not sent again."""

    DEFAULT_CSS = "Plot { width: 1fr; height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[str, ...] = ()
        self.role = Role.ACCENT
        self.faded = False
        self.label = ""
        self.value = ""

    def show(self, lines: tuple[str, ...], role: Role) -> None:
        if role is not self.role or len(lines) != len(self.lines):
            self.lines, self.role = lines, role
            self.refresh()
            return
        changed = [y for y, line in enumerate(lines) if line != self.lines[y]]
        self.lines = lines
        if changed:
            self.refresh(*(Region(0, y, 1 + len(lines[y]), 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        style = self.palette.style(self.role, self.ground, faded=self.faded, soft=True)
        line = self.lines[y] if y < len(self.lines) else ""
        if not self.label:
            return Strip([Segment(f" {line}".ljust(width), style)], width)
        muted = self.palette.style(Role.MUTED, self.ground)
        value = self.palette.style(self.role, self.ground, faded=self.faded)
        parts = [Segment(self.label, muted), Segment(line, style), Segment(f" {self.value}", value)]
        return Strip([part for part in parts if part.text], width)


class Chart(Framed):
    """A framed chart, or one line where there is no room for more: `TPS ▂▃▅▇ 1,284`.

    `limit` fixes the top of the scale; without it the largest value in sight is the top.
    """

    NOUN: ClassVar[Role] = Role.MUTED
    DEFAULT_CSS = "Chart { height: 5; }"

    stale: reactive[bool] = reactive(False, repaint=False)

    def __init__(
        self,
        title: str,
        unit: str = "",
        *,
        limit: float | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self.noun = f"{title} {unit}".strip()
        self.limit = limit
        self.plot = Plot()
        self.values: tuple[float | None, ...] = ()
        self.value_text = ""
        self.role = Role.ACCENT
        self.title_edge.label, self.title_edge.role = self.noun, self.NOUN

    def compose_body(self) -> Iterable[Widget]:
        yield self.plot

    def set_series(self, values: Sequence[float | None], value_text: str, role: Role = Role.ACCENT) -> None:
        """Draw the newest values that there is room for; `value_text` is the newest one as people read it."""
        self.values = tuple(values[-KEPT:])
        self.value_text, self.role = value_text, role
        self._draw()

    @property
    def spark(self) -> bool:
        """Whether there is room for one line only."""
        return self.size.height < SPARK

    def refit(self) -> None:
        self.set_class(self.spark, "-bare")
        self._draw()

    def watch_stale(self, stale: bool) -> None:
        self.plot.faded = stale
        self.plot.refresh()

    def _draw(self) -> None:
        signs = glyphs().bars
        colour = self.role if self.role in (Role.WARN, Role.BAD) else Role.ACCENT
        width, height = self.inside
        if self.spark:
            self._draw_spark(signs, colour, width)
            return
        self.plot.label = ""
        self.set_title(self.noun, self.value_text, self.role)
        self.plot.show(bars(self.values, max(0, width - 2), max(1, height), self.limit, signs), colour)

    def _draw_spark(self, signs: str, colour: Role, width: int) -> None:
        value = tidy(self.value_text, width)
        label = tidy(self.noun, width) + " "
        if width_of(label) + width_of(value) + 5 > width:  # no room for a curve beside both
            label = fit(label, max(1, width - width_of(value) - 1))
        room = max(0, width - width_of(label) - width_of(value) - 1)
        plot = self.plot
        if (plot.label, plot.value) != (label, value):
            plot.label, plot.value = label, value
            plot.refresh()
        plot.show(bars(self.values, room, 1, self.limit, signs), colour)
