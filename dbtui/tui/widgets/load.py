"""The load of the last half hour: average active sessions, stacked by what they wait for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from dbtui.live.history import History
from dbtui.tui.widgets.frame import Canvas, Framed
from dbtui.tui.widgets.roles import Role, glyphs

PREFIX = "load:"
ROLES: Mapping[str, Role] = {"running": Role.OK, "IO": Role.ACCENT, "Lock": Role.BAD, "LWLock": Role.WARN}
_STEPS = (2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0)  # seconds that a column may stand for
Column = tuple[tuple[str, float], ...]  # wait class → average active sessions, the lowest of the stack first


def role_of(name: str) -> Role:
    """The colour of a wait class; those of little news share one."""
    return ROLES.get(name, Role.MUTED)


def columns(history: History, width: int, until: float | None) -> list[Column]:
    """The newest `width` columns, oldest first; each averages the samples of some seconds."""
    names = [name for name in history.names() if name.startswith(PREFIX)]
    names.sort(key=lambda name: (list(ROLES).index(name[5:]) if name[5:] in ROLES else len(ROLES), name))
    times = history.times()
    elapsed = times[-1] - times[0] if times else 0.0
    step = next((s for s in _STEPS if s * (width - 1) >= elapsed), _STEPS[-1])
    series = [history.series(name, until=until) for name in names]
    sums: dict[int, list[float]] = {}
    for index in range(len(series[0]) if series else 0):
        row = sums.setdefault(int(times[index] // step), [0.0] * (len(names) + 1))
        row[-1] += 1
        for place, values in enumerate(series):
            row[place] += values[index] or 0.0
    if not sums:
        return []
    last = max(sums)
    return [
        tuple((name[5:], sums[at][n] / sums[at][-1]) for n, name in enumerate(names)) if at in sums else ()
        for at in range(max(min(sums), last - width + 1), last + 1)
    ]


def stacked(column: Column, height: int, top: float) -> list[str]:
    """For each line of a column, the lowest first, the wait class that fills most of it; "" for none."""
    lines, reached, floor = [], 0.0, 0.0
    parts = [(name, value / top * height) for name, value in column if value > 0]
    total = sum(part for _, part in parts)
    for line in range(height):
        best, most = "", 0.0
        reached = 0.0
        for name, part in parts:
            inside = min(reached + part, line + 1.0) - max(reached, float(line))
            if inside > most:
                best, most = name, inside
            reached += part
        floor = total - line
        lines.append(best if floor > 0.06 or (line == 0 and best) else "")
    return lines


class _Stack(Canvas):
    """The columns. Only those that differ are sent again."""

    DEFAULT_CSS = "_Stack { width: 1fr; height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[list[str], str]] = []  # the classes of a column's lines, and its topmost sign

    def show(self, shown: list[tuple[list[str], str]]) -> None:
        width, height = self.size
        was, self.shown = self.shown, shown
        if len(was) != len(shown):
            self.refresh()
            return
        changed = [n for n, column in enumerate(shown) if column != was[n]]
        if changed:
            first = width - len(shown) + changed[0]
            self.refresh(Region(first, 0, changed[-1] - changed[0] + 1, height))

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        ground, colours, full = self.ground, self.palette, glyphs().bars[-1]
        line = height - 1 - y
        cells: list[tuple[str, str]] = [("", " ")] * max(0, width - len(self.shown))
        for classes, sign in self.shown[-width:]:
            name = classes[line] if line < len(classes) else ""
            last = line + 1 >= len(classes) or not classes[line + 1]
            cells.append((name, (sign if last else full) if name else " "))
        return Strip(
            _runs(cells, {name: colours.style(role_of(name), ground, soft=True) for name, _ in cells}), width
        )


def _runs(cells: Sequence[tuple[str, str]], styles: Mapping[str, object]) -> list[Segment]:
    """Neighbours of one class as one segment."""
    segments: list[Segment] = []
    start = 0
    for end in range(1, len(cells) + 1):
        if end == len(cells) or cells[end][0] != cells[start][0]:
            text = "".join(sign for _, sign in cells[start:end])
            segments.append(Segment(text, styles[cells[start][0]]))  # type: ignore[arg-type]
            start = end
    return segments


class LoadChart(Framed):
    """A framed chart of the load with its classes in the title."""

    NOUN = Role.MUTED
    DEFAULT_CSS = "LoadChart { height: 6; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.stack = _Stack()
        self.drawn: tuple[History, float | None] | None = None
        self.title_edge.label, self.title_edge.role = "Load · average active sessions", self.NOUN

    def compose_body(self) -> Iterable[Widget]:
        yield self.stack

    def refit(self) -> None:
        """It had no size yet when it was first shown."""
        if self.drawn is not None:
            self.show(*self.drawn)

    def show(self, history: History, until: float | None) -> None:
        """Draw the history up to a moment (epoch seconds)."""
        self.drawn = history, until
        width, height = self.inside
        found = columns(history, max(0, width), until)
        top = max((sum(value for _, value in column) for column in found), default=0.0) or 1.0
        signs = glyphs().bars
        drawn = []
        for column in found:
            total = sum(value for _, value in column) / top * height
            part = total - int(total)
            sign = signs[min(len(signs) - 1, int(part * len(signs)))] if part > 0.06 else signs[-1]
            drawn.append((stacked(column, height, top), sign))
        self.stack.show(drawn)
        self.set_title("Load · average active sessions", legend(found[-1] if found else ()), Role.TEXT)


def legend(column: Column) -> str:
    """The newest column in words: the whole, then each class, the largest first."""
    parts = sorted(((value, name) for name, value in column if value >= 0.05), reverse=True)
    total = sum(value for _, value in column)
    middot = glyphs().middot
    return f" {middot} ".join([f"{total:.1f}", *(f"{name} {value:.1f}" for value, name in parts[:5])])
