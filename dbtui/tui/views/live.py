"""Pane 1: what the server is doing now, who waits for whom, and the figures that tell why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from dbtui import text
from dbtui.live.blocking import Blocked, forest
from dbtui.live.history import History
from dbtui.model.activity import Activity, Session
from dbtui.model.finding import Severity
from dbtui.model.shift import Shift
from dbtui.model.snapshot import Metric, Section, Snapshot
from dbtui.output.shift_text import words
from dbtui.tui.keys import bindings
from dbtui.tui.messages import ActOn, Copy, Edit, Explain, ShowDeadlock
from dbtui.tui.views.base import TableView
from dbtui.tui.views.figures import figure_line, metric_text, shift_line
from dbtui.tui.views.marks import Marks
from dbtui.tui.views.sessions import COLUMNS, Wanted, blocking_summary, describe, is_shown, rows
from dbtui.tui.widgets.chart import KEPT, Chart
from dbtui.tui.widgets.frame import Frame, Row
from dbtui.tui.widgets.grid import Grid
from dbtui.tui.widgets.roles import Role, glyphs
from dbtui.tui.widgets.status import Run

if TYPE_CHECKING:
    from dbtui.tui.watching import Said

NO_SHIFTS = "Nothing yet: a minute is compared with the ten before, of which at least one must be known."
LOADING = "loading: the first sample is on its way"
UNHURRIED = 5.0  # seconds between two texts of one session on a slow link: ages make each second's differ


def _alike(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots differ in nothing that this pane shows: most come of a slower section."""
    same = one.activity is other.activity and one.metrics is other.metrics
    return same and (one.link, one.trouble) == (other.link, other.trouble)


class LiveView(TableView):
    """Charts, the session table with its blocking trees, and the detail of the row under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("live")

    def __init__(self, metrics: Sequence[Metric], history: History, *, charts: bool) -> None:
        super().__init__(sort="age", reverse=True)
        self.metrics = metrics
        self.history = history
        self.idle: bool | None = None  # None until the user says: then shown once nothing is active
        self.background = False
        self._quiet = False  # whether nothing was active at some time; sticks, so that no rows come and go
        self.charts = charts
        self.marks = Marks()
        self._lines: tuple[Blocked, ...] = ()
        self._sessions: dict[str, Session] = {}
        self._told_at = -UNHURRIED  # when the text of the session was last made, as snapshots tell the time

    def compose(self) -> ComposeResult:
        if self.charts:
            with Row(id="charts"):
                for metric in self.metrics[:4]:
                    yield Chart(metric.label, id=f"chart-{metric.id}")
        yield Run(id="figures")
        yield Run(id="shifts")
        yield Run(id="cause")
        yield Grid(self.headed("live", COLUMNS), id="sessions", empty=LOADING)
        yield from self.compose_filter()
        title = self.nouns.session.capitalize()
        yield Frame(title, Static("", id="session-text", markup=False), id="session-detail")

    def on_mount(self) -> None:
        self.query_one("#cause").display = False
        self.grid.set_title(self.nouns.sessions.capitalize())

    def on_resize(self) -> None:
        """What fits on a line is known only now."""
        if self.latest is not None:
            self._show_metrics(self.latest)
            self._show_shifts(self.latest.shifts)

    def show(self, snapshot: Snapshot) -> None:
        before, self.latest = self.latest, snapshot
        if before is not None and _alike(before, snapshot):
            return
        self._show_metrics(snapshot)
        self._show_shifts(snapshot.shifts)
        self._show_sessions(snapshot.activity, snapshot)
        if self.charts or abs(snapshot.at - self._told_at) >= UNHURRIED:
            self._show_detail()

    def show_watch(self, said: Said) -> None:
        """The gravest of what is wrong with the server, in its own words."""
        cause = self.query_one("#cause", Run)
        gravest = next((f for f in said.findings if f.severity is not Severity.INFO), None)
        cause.display = gravest is not None
        if gravest is not None:
            role = Role.BAD if gravest.severity is Severity.ERROR else Role.WARN
            line = text.one_line(gravest.message, 300)
            cause.show(((f"  {glyphs().high} ", role), (line, role)))

    def show_cost(self, said: str, role: Role) -> None:
        """What the console itself causes: on a narrow screen its corner is the free end of the table's last line."""
        edge = self.grid.foot_edge
        edge.set_label(said if len(said) <= edge.room else "", role)

    @property
    def wanted(self) -> Wanted:
        fill = self.idle is None and self._quiet
        return Wanted(self.filter_text, self.sort, self.reverse, self.idle or fill, self.background, fill)

    def _show_metrics(self, snapshot: Snapshot) -> None:
        if self.charts:
            for metric in self.metrics[:4]:
                shown, role = metric_text(metric, snapshot)
                self.query_one(f"#chart-{metric.id}", Chart).set_series(
                    self.history.series(metric.id, KEPT, until=snapshot.at), shown, role
                )
        charted = self.charts and self.query_one("#charts").display
        figures = self.query_one("#figures", Run)
        figures.show(figure_line(self.metrics[4:] if charted else self.metrics, snapshot, self.size.width))

    def _show_shifts(self, shifts: Sequence[Shift]) -> None:
        """What changed against the ten minutes before, as much as one line holds."""
        line = self.query_one("#shifts", Run)
        line.show(shift_line(shifts, self.size.width))
        line.display = bool(shifts)

    def action_changes(self) -> None:
        """All that changed, in plain words."""
        from dbtui.tui.screens.texts import TextScreen

        shifts = self.latest.shifts if self.latest is not None else ()
        said = "\n".join(words(shift, 400) for shift in shifts) or NO_SHIFTS
        self.app.push_screen(TextScreen("The last minute against the ten before", said))

    def _show_sessions(self, section: Section[Activity], snapshot: Snapshot) -> None:
        grid = self.grid
        activity = section.value
        if activity is None:
            grid.empty = section.error or snapshot.trouble or LOADING
            return
        self._sessions = {f"{s.id}/{s.started}": s for s in activity.sessions}
        self._lines = forest(activity.sessions)
        for line in self._lines:
            self._sessions.setdefault(f"{line.session.id}/{line.session.started}", line.session)
        self.marks.keep(self._sessions)
        self._quiet = self._quiet or not any(is_shown(s, Wanted()) for s in activity.sessions)
        shown = self.marks.shown(rows(activity, self._lines, self.wanted))
        grid.sort_column, grid.sort_reverse = self.sort, self.reverse
        grid.empty = self._why_empty(activity)
        grid.set_rows(shown)
        grid.stale = bool(section.error) or snapshot.link != "live"
        summary, role = blocking_summary(activity.sessions, self._lines, self.nouns.unblocked)
        if activity.hidden and role is Role.OK:
            summary, role = "who waits is hidden", Role.WARN
        grid.set_title(self.nouns.sessions.capitalize(), summary, role)
        wrong = section.error or snapshot.trouble
        notes = [wrong] if wrong else []
        notes.append(f"{len(shown)} of {len(activity.sessions)}")
        if self.wanted.active_first and shown:
            notes.append("idle ones below")
        elif not self.wanted.idle:
            notes.append("idle hidden")
        if self.marks.keys:
            notes.append(f"{len(self.marks.keys)} marked")
        if activity.hidden:
            notes.append(f"{activity.hidden} masked: {activity.remedy}")
        if self.filter_text:
            notes.append(f"filter: {self.filter_text}")
        notes.append(self.sorted_by)
        grid.set_subtitle(" · ".join(notes), Role.WARN if wrong else Role.MUTED)

    def _why_empty(self, activity: Activity) -> str:
        if self.filter_text:
            return "nothing matches the filter"
        if activity.sessions and not self.wanted.idle:
            return f"no {self.nouns.session} is active · i shows idle ones"
        return f"no {self.nouns.session} at this moment: the figures above count what came and went"

    def _show_detail(self) -> None:
        session = self.session
        self._told_at = self.latest.at if self.latest is not None else self._told_at
        detail = self.query_one("#session-text", Static)
        if session is None:
            content = ""
        else:
            statement = text.one_line(session.query, 1000) or f"no {self.nouns.statement} to be seen"
            content = f"{describe(session, self._lines, self.product)}\n{statement}"
        if detail.content != content:
            detail.update(content, layout=False)

    @property
    def product(self) -> str:
        """What answered, "" before anything did."""
        server = self.latest.server if self.latest is not None else None
        return server.product if server is not None else ""

    @property
    def session(self) -> Session | None:
        """The session under the cursor."""
        return self._sessions.get(self.grid.cursor_key or "")

    @on(Grid.Highlighted)
    def _moved(self, event: Grid.Highlighted) -> None:
        event.stop()
        self._show_detail()

    @on(Grid.Selected)
    def _selected(self, event: Grid.Selected) -> None:
        event.stop()
        self.action_detail()

    def action_detail(self) -> None:
        from dbtui.tui.screens.texts import TextScreen

        if (session := self.session) is not None:
            body = (
                describe(session, self._lines, self.product)
                + "\n\n"
                + text.printable(session.query, keep_newlines=True)
            )
            self.app.push_screen(TextScreen(f"{self.nouns.session.capitalize()} {session.id}", body))

    def action_idle(self) -> None:
        self.idle = not self.idle
        self.redraw()

    def action_background(self) -> None:
        self.background = not self.background
        self.redraw()

    def action_cancel(self) -> None:
        self._act("cancel")

    def action_terminate(self) -> None:
        self._act("terminate")

    def _act(self, action: Literal["cancel", "terminate"]) -> None:
        if chosen := self.marks.chosen(self._sessions, self.grid.cursor_key):
            self.post_message(ActOn(action, chosen))

    def action_mark(self) -> None:
        if (key := self.grid.cursor_key) is not None:
            self.marks.toggle(key)
            self.redraw()
            self.grid.action_cursor(1)

    def action_deadlock(self) -> None:
        self.post_message(ShowDeadlock())

    def action_unmark(self) -> None:
        self.marks.take(())
        self.redraw()

    def action_take(self) -> None:
        from dbtui.tui.screens.take import TakeScreen

        def taken(sessions: tuple[Session, ...] | None) -> None:
            if sessions is not None:
                self.marks.take(f"{s.id}/{s.started}" for s in sessions)
                self.redraw()

        self.app.push_screen(TakeScreen(lambda: tuple(self._sessions.values()), self.filter_text), taken)

    def _statement(self) -> Session | None:
        """The session under the cursor, if it has a statement that can be worked with; else a toast says why."""
        session = self.session
        if session is None or (session.query and not session.hidden):
            return session
        activity = self.latest.activity.value if self.latest is not None else None
        why = f"is hidden: {activity.remedy}" if session.hidden and activity else "is not there yet"
        said = text.printable(f"its {self.nouns.statement} {why}")
        self.notify(said, severity="warning", markup=False)
        return None

    def action_explain(self) -> None:
        if (session := self._statement()) is not None:
            running = session if session.active else None
            self.post_message(Explain(session.query, session.database, session=running))

    def action_edit(self) -> None:
        if (session := self._statement()) is not None:
            self.post_message(Edit(session.query, session.database))

    def action_copy(self) -> None:
        if (session := self._statement()) is not None:
            self.post_message(Copy(session.query, self.nouns.statement))
