"""The fleet: several servers at once, one line each; Enter jumps in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static

from dbtui import text
from dbtui.commands.fleet import figure, wrong
from dbtui.config import Target
from dbtui.errors import ConfigError
from dbtui.live.fleet import INTERVAL, Fleet, Line
from dbtui.live.thresholds import read_thresholds, thresholds_file
from dbtui.model.finding import Severity
from dbtui.model.snapshot import Link
from dbtui.rules.live import Changes
from dbtui.tui.keys import bindings
from dbtui.tui.messages import OpenTarget, PickServer
from dbtui.tui.widgets.grid import Cell, Grid, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role, glyphs
from dbtui.tui.widgets.status import ENVIRONMENTS, KeyBar

COLUMNS = (
    GridColumn("name", "Server", 18, "left", 100),
    GridColumn("environment", "Env", 5, "left", 60),
    GridColumn("product", "Product", 18, "left", 40),
    GridColumn("load", "Load", 6, "right", 95),
    GridColumn("waiting", "Waits", 6, "right", 94),
    GridColumn("connections", "Conns", 8, "right", 80),
    GridColumn("lag", "Lag", 6, "right", 70),
    GridColumn("errors", "Err/s", 6, "right", 65),
    GridColumn("age", "Age", 5, "right", 90),
    GridColumn("wrong", "What is wrong", None, "left", 96),
)
_ROLES = {Severity.ERROR: Role.BAD, Severity.WARNING: Role.WARN, Severity.INFO: Role.MUTED}
REDRAW = 0.5  # seconds between two drawings at most


def fleet_row(line: Line, now: float, interval: float) -> GridRow:
    """One server as a row; figures that are no longer fresh are muted."""
    age = line.age(now)
    old = line.link is not Link.LIVE or age is None or age > 2 * interval + 2
    _, short, role = ENVIRONMENTS[line.target.environment]
    mark = glyphs().high if line.trouble else glyphs().dot
    mark_role = Role.BAD if line.trouble else Role.MUTED if line.taken_at is None else Role.OK
    gravest = line.findings[0].severity if line.findings else None
    says: Cell = (
        text.one_line(wrong(line), 300),
        Role.BAD if line.trouble else _ROLES[gravest] if gravest else Role.MUTED,
    )
    waits: Cell = (figure(line.waiting), Role.BAD) if line.waiting else figure(line.waiting)
    conns = "" if line.connections is None else f"{line.connections}/{line.limit or '·'}"
    lag = "" if line.lag is None else f"{line.lag:,.0f} s"
    return GridRow(
        line.target.name,
        (
            (f"{mark} {line.target.name}", mark_role), (short, role), f"{line.product} {line.version}".strip(),
            figure(line.load), waits, conns, lag, figure(line.errors),
            ("" if age is None else f"{age:.0f} s", Role.WARN if old else Role.MUTED), says,
        ),
        role=Role.MUTED if old else None,
    )  # fmt: skip


class FleetScreen(Screen[None]):
    """Watches all servers while it stands, also while a console lies over it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("fleet")

    def __init__(self, targets: Sequence[Target], *, interval: float | None = None) -> None:
        super().__init__(classes="-fleet")
        self.interval = interval or INTERVAL
        self.trouble = ""
        self.fleet = Fleet(targets, changes=self._changes(), interval=self.interval, changed=self._changed)
        self._fresh = False

    def _changes(self) -> Changes:
        try:
            return read_thresholds(thresholds_file())
        except ConfigError as error:
            self.trouble = str(error)
            return {}

    def compose(self) -> ComposeResult:
        yield Static(f" dbtui {glyphs().dot} fleet", id="fleet-title", markup=False)
        yield Grid(COLUMNS, id="fleet", empty="no server is watched")
        yield KeyBar()

    def on_mount(self) -> None:
        self.grid.set_title("Servers")
        self.grid.set_subtitle(
            f"enter opens {glyphs().middot} the ailing first {glyphs().middot} every {self.interval:g} s"
        )
        self.grid.focus()
        if self.trouble:
            self.notify(text.printable(self.trouble), severity="warning", markup=False)
        self.fleet.start()
        self.set_interval(REDRAW, self._draw_fresh)
        self.set_interval(1.0, self._draw)
        self._draw()

    async def on_unmount(self) -> None:
        await self.fleet.stop()

    @property
    def grid(self) -> Grid:
        return self.query_one(Grid)

    def _changed(self) -> None:
        self._fresh = True

    def _draw_fresh(self) -> None:
        if self._fresh:
            self._draw()

    def _draw(self) -> None:
        """The ailing first: those that do not answer, then by the gravity of what is found."""
        self._fresh = False
        if not self.is_current:
            return
        lines = sorted(self.fleet.lines, key=_gravity)
        now = time.time()
        self.grid.set_rows([fleet_row(line, now, self.interval) for line in lines])
        ailing = sum(
            bool(line.trouble) or any(f.severity is Severity.ERROR for f in line.findings) for line in lines
        )
        said = f"{ailing} of {len(lines)} need help" if ailing else f"{len(lines)} are well"
        if any(line.taken_at is None and not line.trouble for line in lines):
            said += ", some have not answered yet"
        self.grid.set_title("Servers", said, Role.BAD if ailing else Role.OK)

    def _open(self) -> None:
        target = next(
            (line.target for line in self.fleet.lines if line.target.name == self.grid.cursor_key), None
        )
        if target is not None:
            self.post_message(OpenTarget(target))

    @on(Grid.Selected)
    def _selected(self, event: Grid.Selected) -> None:
        event.stop()
        self._open()

    def action_open(self) -> None:
        self._open()

    def action_servers(self) -> None:
        self.post_message(PickServer())


def _gravity(line: Line) -> tuple[int, str]:
    if line.trouble:
        return (0, line.target.name)
    if not line.findings:
        return (9, line.target.name)
    return (1 + list(Severity).index(line.findings[0].severity), line.target.name)
