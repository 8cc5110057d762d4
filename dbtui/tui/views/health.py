"""Pane 9: what every rule says of the server, how far long operations are, and who receives its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from dbtui import text
from dbtui.live.progress import Pace
from dbtui.model.activity import Health
from dbtui.model.finding import Finding, Severity
from dbtui.model.snapshot import Section, Snapshot
from dbtui.rules.live import Changes, LiveRule, rules
from dbtui.rules.live.scene import Threshold
from dbtui.rules.live.words import hours
from dbtui.tui.keys import bindings
from dbtui.tui.messages import ActOn, Copy, ShowDeadlock
from dbtui.tui.views.base import View
from dbtui.tui.views.findings import ROLES, counted, described, severity_cell
from dbtui.tui.widgets.frame import Frame
from dbtui.tui.widgets.grid import Cell, Grid, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role, glyphs

if TYPE_CHECKING:
    from dbtui.tui.watching import Said

CHECKS = (
    GridColumn("state", "State", 10, "left", 100),
    GridColumn("rule", "Rule", 24, "left", 80),
    GridColumn("what", "Found, or looked for", None, "left", 90),
    GridColumn("limit", "Threshold", 26, "left", 50),
)
RUNNING = (
    GridColumn("session", "Session", 8, "left", 60),
    GridColumn("operation", "Operation", 16, "left", 100),
    GridColumn("target", "Target", 16, "left", 70),
    GridColumn("phase", "Phase", None, "left", 98),
    GridColumn("done", "Done", 15, "right", 95),
    GridColumn("speed", "Speed", 12, "right", 50),
    GridColumn("left", "Left", 16, "right", 90),
)
RECEIVERS = (
    GridColumn("name", "Receiver", 22, "left", 100),
    GridColumn("kind", "Kind", 10, "left", 60),
    GridColumn("state", "State", None, "left", 90),
    GridColumn("bytes", "Behind", 10, "right", 95),
    GridColumn("seconds", "Lag", 10, "right", 80),
    GridColumn("room", "Room", 10, "right", 70),
)
LOADING = "loading: slow figures are asked for every few seconds"


def check_rows(
    checks: Sequence[LiveRule], found: Mapping[str, Sequence[Finding]], changes: Changes
) -> list[GridRow]:
    """What fires first, one row a finding; then the rules that have nothing to say."""
    order = list(Severity)
    fired = [
        GridRow(
            f"{one.rule.id}/{number}",
            (
                severity_cell(finding.severity),
                one.rule.id,
                text.one_line(finding.message, 300),
                _limits(one, changes),
            ),
        )
        for one, number, finding in sorted(
            ((one, number, f) for one in checks for number, f in enumerate(found.get(one.rule.id, ()))),
            key=lambda item: order.index(item[2].severity),
        )
    ]
    return fired + [_quiet(one, changes) for one in checks if not found.get(one.rule.id)]


def _quiet(one: LiveRule, changes: Changes) -> GridRow:
    off = bool(one.limits(changes).get("off"))
    state: Cell = ("off", Role.MUTED) if off else (f"{glyphs().dot} ok", Role.OK)
    return GridRow(
        f"{one.rule.id}/0",
        (state, one.rule.id, (one.rule.title, Role.MUTED), _limits(one, changes)),
        role=Role.MUTED,
    )


def _limits(one: LiveRule, changes: Changes) -> str:
    limits = one.limits(changes)
    return ", ".join(f"{t.name} {amount(t, limits[t.name])}" for t in one.thresholds)


def amount(threshold: Threshold, value: float) -> str:
    """A threshold's value with its unit."""
    if threshold.unit == "bytes":
        return text.size(value)
    if threshold.unit == "fraction":
        return f"{value:.0%}"
    if threshold.unit == "seconds":
        return f"{value:g} s"
    return text.count(value) + ("/s" if threshold.unit == "per second" else "")


def explained(one: LiveRule, findings: Sequence[Finding], changes: Changes) -> str:
    """The detail of a check: what was found, else what it looks for; and each threshold with its reason."""
    lines = [described(replace(finding, docs=())) for finding in findings] or [one.rule.title]
    limits = one.limits(changes)
    for threshold in one.thresholds:
        own = " (changed)" if threshold.name in changes.get(one.rule.id, {}) else ""
        lines.append(f"{threshold.name} {amount(threshold, limits[threshold.name])}{own}: {threshold.why}")
    lines.append(f"change them in health.toml below [{one.rule.id}]; off = true silences it")
    return "\n".join(lines)


def pace_rows(paces: Sequence[Pace]) -> list[GridRow]:
    """Long operations, with their speed and what they may still take."""
    return [
        GridRow(
            f"{pace.progress.session}/{pace.progress.operation}/{pace.progress.target}",
            (
                pace.progress.session, (pace.progress.operation, Role.ACCENT), pace.progress.target,
                (pace.progress.phase, Role.MUTED), _done(pace), _speed(pace), remaining(pace),
            ),
        )
        for pace in paces
    ]  # fmt: skip


def _done(pace: Pace) -> str:
    if not pace.progress.unit:
        return "not told"
    shown = _number(pace.progress.done, pace.progress.unit)
    return shown if pace.share is None else f"{text.percent(pace.share)} {text.count(pace.progress.done)}"


def _number(value: float, unit: str) -> str:
    if unit == "bytes":
        return text.size(value)
    return f"{text.count(value)} %" if unit == "%" else f"{text.count(value)} {unit}"


def _speed(pace: Pace) -> str:
    return "" if pace.speed is None else f"{_number(pace.speed, pace.progress.unit)}/s"


def remaining(pace: Pace) -> str:
    """The time that is left, as a range: `2 min to 6 min`."""
    if pace.least is None:
        return "stands still" if pace.speed == 0 else ""
    return (
        f"{hours(pace.least)} to {hours(pace.most)}" if pace.most is not None else f"over {hours(pace.least)}"
    )


def receiver_rows(health: Health) -> list[GridRow]:
    """Receivers of the log, and the slots that keep it for them."""
    replicas = [
        GridRow(
            f"replica/{r.name}/{r.client}",
            (
                r.name or r.client,
                "replica",
                r.state,
                text.size(r.lag_bytes),
                text.duration(r.lag_seconds),
                "",
            ),
        )
        for r in health.replicas
    ]
    slots = [
        GridRow(
            f"slot/{s.name}",
            (
                s.name, f"slot {s.kind[:4]}", ("nobody reads it" if not s.active else "active") + f", {s.state}",
                text.size(s.retained_bytes), "", text.size(s.room_bytes),
            ),
            role=None if s.active else Role.WARN,
        )
        for s in health.slots
    ]  # fmt: skip
    return replicas + slots


class HealthView(View):
    """Checks over the detail of the one under the cursor; below them what runs for long, and the receivers."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("health")

    def __init__(self) -> None:
        super().__init__()
        self.latest: Snapshot | None = None
        self._found: dict[str, list[Finding]] = {}
        self._checks: tuple[LiveRule, ...] = ()
        self._changes: Changes = {}
        self._notes: Sequence[str] = ()  # what is not seen, and how to see it

    def compose(self) -> ComposeResult:
        yield Grid(CHECKS, id="checks", empty=LOADING)
        yield Frame("Check", Static("", id="check-text", markup=False), id="check-detail")
        yield Grid(RUNNING, id="running")
        yield Grid(RECEIVERS, id="receivers")

    def on_mount(self) -> None:
        self.grid.set_title("Checks")
        for name, title in (("running", "Progress"), ("receivers", "Replication")):
            grid = self.query_one(f"#{name}", Grid)
            grid.set_title(title)
            grid.display = False

    @property
    def grid(self) -> Grid:
        return self.query_one("#checks", Grid)

    def focus_main(self) -> None:
        self.grid.focus()

    def show(self, snapshot: Snapshot) -> None:
        before, self.latest = self.latest, snapshot
        if before is not None and before.health is snapshot.health and before.link is snapshot.link:
            return
        section: Section[Health] = snapshot.health
        stale = bool(section.error) or snapshot.link != "live"
        for grid in self.query(Grid):
            grid.stale = stale
        self._notes = section.value.notes if section.value is not None else ()
        wrong = section.error or snapshot.trouble
        self.grid.set_subtitle(wrong or " · ".join(self._notes), Role.WARN if wrong else Role.MUTED)
        if section.value is not None:
            self._fill("receivers", receiver_rows(section.value))

    def show_watch(self, said: Said) -> None:
        self._checks = tuple(one for one in rules() if one.about(said.engine))
        self._changes = said.changes
        self._found = {}
        for finding in said.findings:
            self._found.setdefault(finding.rule, []).append(finding)
        if self.latest is not None and self.latest.activity.value is not None:
            self.grid.set_rows(check_rows(self._checks, self._found, self._changes))
            gravest = said.findings[0] if said.findings else None
            headline = counted(said.findings) or "nothing crosses a threshold"
            self.grid.set_title("Checks", headline, ROLES[gravest.severity] if gravest else Role.OK)
        self._fill("running", pace_rows(said.paces))
        self._show_detail()

    def _fill(self, name: str, shown: list[GridRow]) -> None:
        """Show a table that takes as much room as it needs, and none while it is empty."""
        grid = self.query_one(f"#{name}", Grid)
        grid.display = bool(shown)
        height = min(len(shown), 6) + 3
        if grid.styles.height is None or grid.styles.height.cells != height:
            grid.styles.height = height
        grid.set_rows(shown)

    @property
    def check(self) -> LiveRule | None:
        """The rule under the cursor."""
        rule = (self.grid.cursor_key or "").partition("/")[0]
        return next((one for one in self._checks if one.rule.id == rule), None)

    def _show_detail(self) -> None:
        one = self.check
        shown = "" if one is None else explained(one, self._findings(one), self._changes)
        shown += "".join(f"\n\n{text.printable(note)}" for note in self._notes)
        detail = self.query_one("#check-text", Static)
        if detail.content != shown:
            detail.update(shown, layout=False)

    def _findings(self, one: LiveRule) -> Sequence[Finding]:
        found = self._found.get(one.rule.id, [])
        number = int((self.grid.cursor_key or "/0").rpartition("/")[2])
        return found[number : number + 1]

    @on(Grid.Highlighted)
    def _moved(self, event: Grid.Highlighted) -> None:
        event.stop()
        if event.grid.id == "checks":
            self._show_detail()

    @on(Grid.Selected)
    def _selected(self, event: Grid.Selected) -> None:
        event.stop()
        self.action_docs()

    def action_docs(self) -> None:
        from dbtui.tui.screens.texts import TextScreen

        if (one := self.check) is not None:
            body = f"{explained(one, self._findings(one), self._changes)}\n\n{one.rule.docs}"
            self.app.push_screen(TextScreen(one.rule.id, text.printable(body, keep_newlines=True)))

    def action_copy(self) -> None:
        if (one := self.check) is not None and (found := self._findings(one)):
            self.post_message(Copy("\n".join(found[0].sql) or found[0].message, "remedy"))

    def action_deadlock(self) -> None:
        self.post_message(ShowDeadlock())

    def action_cancel(self) -> None:
        """Cancel the operation under the cursor of the progress table, or the session that a check names."""
        running = self.query_one("#running", Grid)
        if running.has_focus:
            wanted: str | None = (running.cursor_key or "").partition("/")[0]
        else:
            one = self.check
            wanted = next((f.object for f in self._findings(one)), None) if one is not None else None
        activity = self.latest.activity.value if self.latest is not None else None
        for session in activity.sessions if activity else ():
            if session.id == wanted:
                self.post_message(ActOn("cancel", [session]))
