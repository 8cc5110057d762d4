"""The bar above says what this is and how old the data are; the bar below says what the keys do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.color import Color, ColorParseError
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from dbtui.config import Target
from dbtui.live.session import Lift
from dbtui.model.server import Environment
from dbtui.model.snapshot import Link, Snapshot
from dbtui.tui.widgets.cells import fit, tidy, width_of
from dbtui.tui.widgets.frame import Canvas
from dbtui.tui.widgets.roles import Role, glyphs

ENVIRONMENTS = {
    Environment.PRODUCTION: ("production", "prod", Role.BAD),
    Environment.STAGING: ("staging", "stag", Role.WARN),
    Environment.DEVELOPMENT: ("development", "dev", Role.OK),
}
WIDE = 100  # cells from which on words are written out
KEYS = 10  # most keys that the lower bar shows
Piece = tuple[str, Role]


class Run(Canvas):
    """Pieces of text on one line; sent again only when one of them changed."""

    DEFAULT_CSS = "Run { height: 1; width: 1fr; } Run.-end { width: 24; }"

    def __init__(self, *, id: str | None = None, classes: str = "") -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self.pieces: tuple[Piece, ...] = ()
        self.colour: Color | None = None  # of the first dot, where the user chose one

    def show(self, pieces: tuple[Piece, ...]) -> None:
        """Show these pieces."""
        if pieces != self.pieces:
            self.pieces = pieces
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, ground, colours = self.size.width, self.ground, self.palette
        segments, left = [], width
        for text, role in self.pieces:
            shown = text if width_of(text) <= left else fit(text, left)
            if left <= 0:
                break
            style = colours.style(role, ground, bold=role is Role.ACCENT)
            if self.colour is not None and text == glyphs().dot:
                style += Style(color=self.colour.rich_color)
            segments.append(Segment(shown, style))
            left -= width_of(shown)
        blank = Segment(" " * left, colours.style(Role.TEXT, ground))
        ordered = [blank, *segments] if self.has_class("-end") else [*segments, blank]
        return Strip([segment for segment in ordered if segment.text], width)


class TopBar(Widget):
    """One line: server and role at the left; read-only, age and interval at the right."""

    BLANK = True
    DEFAULT_CSS = """
    TopBar { height: 1; layout: horizontal; background: $surface; }
    TopBar.-production { background: $error 16%; }
    TopBar.-production:ansi { background: $surface; }
    """

    def __init__(self, target: Target, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(classes=f"-{target.environment}")
        self.target = target
        self.clock = clock
        self.snapshot: Snapshot | None = None
        self.lift: Lift | None = None
        self.notice: tuple[Piece, ...] = ()  # what is wrong with the server, in few words
        self.moment = ""  # which one is shown, where it is not the newest
        self._left = Run()
        self._right = Run(classes="-end")

    def compose(self) -> ComposeResult:
        yield self._left
        yield self._right

    def on_mount(self) -> None:
        try:
            self._left.colour = Color.parse(self.target.colour) if self.target.colour else None
        except ColorParseError:
            self._left.colour = None
        self.set_interval(1.0, self.draw)
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    def show(self, snapshot: Snapshot, lift: Lift | None, moment: str = "") -> None:
        """Take the newest snapshot, the lift of read-only, if there is one, and what is shown in its place."""
        self.snapshot, self.lift, self.moment = snapshot, lift, moment
        self.draw()

    def draw(self) -> None:
        """Write both ends anew; what did not change is not sent."""
        wide = self.size.width >= WIDE
        right = (*self.notice, *self._protection(wide), *self._freshness(wide))
        need = sum(width_of(text) for text, _ in right) + 1
        have = self._right.styles.width.cells if self._right.styles.width is not None else 0
        if need > (have or 0) or need < (have or 0) - 8:
            self._right.styles.width = need
        self._right.show((*right, (" ", Role.TEXT)))
        self._left.show(self._identity(wide, max(0, self.size.width - need)))

    def _identity(self, wide: bool, room: int) -> tuple[Piece, ...]:
        target, server = self.target, self.snapshot.server if self.snapshot else None
        word, short, role = ENVIRONMENTS[target.environment]
        pieces: list[Piece] = [(" dbtui ", Role.ACCENT), (glyphs().dot, role)]
        named = tidy(target.name, 40)
        named = fit(
            named, min(width_of(named), 40 if wide else 24)
        )  # a socket's path leaves room for the product
        pieces += [(f" {named} ", Role.TEXT), (f"{word if wide else short} ", role)]
        if server is not None:
            product = server.product if wide or server.product != "PostgreSQL" else "PG"
            where = f"{server.address}/{server.database}"
            facts = [f"{product} {server.version}", server.role, where, server.pooler]
            between = f" {glyphs().middot} "
            for number, fact in enumerate(tidy(fact, 60) for fact in facts if fact):
                text = (between if number else " ") + fact
                if sum(width_of(piece[0]) for piece in pieces) + width_of(text) > room:
                    break
                pieces.append((text, Role.TEXT if not number else Role.MUTED))
        return tuple(pieces)

    def _protection(self, wide: bool) -> tuple[Piece, ...]:
        lift = self.lift
        if lift is not None and (left := lift.until - self.clock()) > 0:
            minutes, seconds = divmod(int(left), 60)
            return ((f"{glyphs().high} {'LIFTED' if wide else 'RW'} {minutes:02}:{seconds:02}  ", Role.BAD),)
        if not self.target.read_only:
            return ((f"{'WRITABLE' if wide else 'RW'}  ", Role.WARN),)
        return ((f"{'READ-ONLY' if wide else 'RO'}  ", Role.OK),)

    def _freshness(self, wide: bool) -> tuple[Piece, ...]:
        snapshot, high = self.snapshot, glyphs().high
        if snapshot is None or snapshot.link is Link.CONNECTING:
            return ((f"connecting{glyphs().ellipsis}", Role.MUTED),)
        if self.moment:
            paused = "PAUSED " if snapshot.paused else ""
            return (
                (
                    f"{glyphs().left} {paused}{self.moment if wide else self.moment.partition(',')[0]}",
                    Role.WARN,
                ),
            )
        now = self.clock()
        age = snapshot.activity.age(now)
        every = f"{snapshot.interval:g} s"
        if snapshot.link is not Link.LIVE:
            again = max(0, round(snapshot.next_try - now)) if snapshot.next_try is not None else None
            word = "lost" if snapshot.link is Link.LOST else "closed"
            tail = "" if again is None else f", again in {again} s" if wide else f" {again} s"
            return ((f"{high} {word}{_ago(age, wide)}{tail}", Role.BAD),)
        if snapshot.paused:
            return ((f"PAUSED{_ago(age, wide)}", Role.WARN),)
        stale = age is not None and age > 2 * snapshot.interval + 1
        shown = "no data yet" if age is None else f"{int(age)} s ago" if wide else f"{int(age)} s"
        tail = f" {glyphs().middot} every {every}" if wide else f"/{every}"
        return (
            (f"{high} {shown}" if stale else shown, Role.WARN if stale else Role.TEXT),
            (tail, Role.MUTED),
        )


def _ago(age: float | None, wide: bool) -> str:
    return "" if age is None else f" {int(age)} s ago" if wide else f" {int(age)} s"


class Key(NamedTuple):
    """A key of the lower bar."""

    key: str  # Textual's name
    sign: str  # as it is drawn
    label: str
    enabled: bool

    @property
    def cells(self) -> int:
        return width_of(self.sign) + width_of(self.label) + 3


class KeyBar(Canvas):
    """The keys that work where the focus is, those of the pane first; those that cannot work now are grey."""

    DEFAULT_CSS = "KeyBar { height: 1; background: $footer-background; }"
    PINNED = ("app.help", "app.quit")  # at the right, always

    def __init__(self) -> None:
        super().__init__()
        self.shown: tuple[Key, ...] = ()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._collect()

    def on_resize(self) -> None:
        self.refresh()

    def _changed(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self._collect()

    def _collect(self) -> None:
        seen: dict[str, Key] = {}
        typing: dict[str, Key] = {}  # of the editor: behind what its pane does with the text
        pinned: dict[str, Key] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if not binding.show or not binding.description:
                continue
            key = Key(binding.key, self.app.get_key_display(binding), binding.description, active.enabled)
            group = typing if (binding.id or "").startswith("editor.") else seen
            place, name = (pinned, binding.id) if binding.id in self.PINNED else (group, binding.action)
            known = place.get(name or "")
            if known is None or len(key.sign) < len(known.sign):  # of several keys the simplest
                place[name or ""] = key
        pins = [pinned[name] for name in self.PINNED if name in pinned]
        shown = (*[*seen.values(), *typing.values()][: KEYS - len(pins)], *pins)
        if shown != self.shown:
            self.shown, self._pins = shown, len(pins)
            self.refresh()

    _pins = 0

    def _placed(self) -> list[tuple[int, Key]]:
        """The keys there is room for, each with the cell it begins at."""
        width = self.size.width
        pins = self.shown[len(self.shown) - self._pins :] if self._pins else ()
        end = width - sum(item.cells for item in pins)
        placed, at = [], 1
        for item in self.shown[: len(self.shown) - self._pins]:
            if at + item.cells > end:
                break
            placed.append((at, item))
            at += item.cells
        for item in pins:
            if end >= 0:
                placed.append((end, item))
            end += item.cells
        return placed

    def render_line(self, y: int) -> Strip:
        ground, colours, width = self.ground, self.palette, self.size.width
        blank = colours.style(Role.TEXT, ground)
        segments, at = [], 0
        for start, item in self._placed():
            if start > at:
                segments.append(Segment(" " * (start - at), blank))
            sign = colours.style(Role.ACCENT if item.enabled else Role.MUTED, ground, bold=item.enabled)
            label = colours.style(Role.MUTED, ground, faded=not item.enabled)
            segments += [Segment(item.sign, sign), Segment(f" {item.label}  ", label)]
            at = start + item.cells
        if at < width:
            segments.append(Segment(" " * (width - at), blank))
        return Strip(segments).crop(0, width)

    def on_click(self, event: events.Click) -> None:
        for start, item in self._placed():
            if start <= event.x < start + item.cells - 2 and item.enabled:
                self.app.simulate_key(item.key)
