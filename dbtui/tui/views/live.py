"""Pane 1: what the server is doing now, who waits for whom, and the figures that tell why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from dbtui import text
from dbtui.live.blocking import Blocked, forest
from dbtui.live.history import History
from dbtui.live.remedy import frees
from dbtui.model.activity import Activity, Session
from dbtui.model.finding import Severity
from dbtui.model.shift import Shift
from dbtui.model.snapshot import Metric, Section, Snapshot
from dbtui.output.shift_text import words
from dbtui.tui.keys import bindings
from dbtui.tui.messages import ActOn, Copy, Edit, Explain, ShowDeadlock
from dbtui.tui.views.base import TableView, matches
from dbtui.tui.views.marks import Marks
from dbtui.tui.widgets.cells import width_of
from dbtui.tui.widgets.chart import KEPT, Chart
from dbtui.tui.widgets.frame import Frame
from dbtui.tui.widgets.grid import Cell, Grid, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role, glyphs
from dbtui.tui.widgets.status import Run

if TYPE_CHECKING:
    from dbtui.tui.watching import Said

COLUMNS = (
    GridColumn("id", "PID", 14, "left", 100),
    GridColumn("user", "User", 10, "left", 60),
    GridColumn("database", "Database", 10, "left", 30),
    GridColumn("application", "Application", 14, "left", 50),
    GridColumn("client", "Client", 15, "left", 10),
    GridColumn("state", "State", 10, "left", 80),
    GridColumn("wait", "Wait", 18, "left", 70),
    GridColumn("transaction", "Xact age", 8, "right", 45),
    GridColumn("age", "Age", 8, "right", 90),
    GridColumn("query", "Query", None, "left", 95),
)
SHORT_STATES = {
    "idle in transaction": "idle in tx",
    "idle in transaction (aborted)": "aborted tx",
    "fastpath function call": "fastpath",
}
NO_SHIFTS = "Nothing yet: a minute is compared with the ten before, of which at least one must be known."
LOADING = "loading: the first sample is on its way"
SLOW, VERY_SLOW = 10.0, 60.0  # seconds of a running statement before its age turns warn, then bad
QUERY_WIDTH = 400  # characters of a statement that a row may need


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants to see of the sessions."""

    filter: str = ""
    sort: str = "age"
    reverse: bool = True
    idle: bool = False
    background: bool = False
    active_first: bool = False  # whatever the order: idle ones are only there to fill the room


def age_of(session: Session) -> float | None:
    """The age that matters: of the statement while it runs, of the state while it does not."""
    return session.query_age if session.state == "active" else session.state_age


SORT_KEYS: dict[str, Callable[[Session], tuple[bool, float | str]]] = {
    "id": lambda s: (True, float(s.id) if s.id.isdecimal() else s.id),
    "user": lambda s: (True, s.user),
    "database": lambda s: (True, s.database),
    "application": lambda s: (True, s.application),
    "client": lambda s: (True, s.client),
    "state": lambda s: (True, s.state),
    "wait": lambda s: (True, f"{s.wait_type}:{s.wait}"),
    "transaction": lambda s: (s.transaction_age is not None, s.transaction_age or 0.0),
    "age": lambda s: (age_of(s) is not None, age_of(s) or 0.0),
    "query": lambda s: (True, s.query),
}


def is_shown(session: Session, wanted: Wanted) -> bool:
    """Whether a session that takes no part in blocking is listed."""
    if not wanted.idle and not session.active and not session.hidden:
        return False
    if not wanted.background and session.kind not in ("client backend", "parallel worker", "walsender", ""):
        return False
    return matches(
        wanted.filter, session.id, session.user, session.database, session.application,
        session.client, session.state, f"{session.wait_type}:{session.wait}", session.query,
    )  # fmt: skip


def rows(activity: Activity, wanted: Wanted) -> list[GridRow]:
    """The table: blocking trees first, root on top, then the others in the wanted order."""
    trees = [line for line in forest(activity.sessions) if matches_tree(line, wanted)]
    in_tree = {line.session.id for line in trees}
    others = [s for s in activity.sessions if s.id not in in_tree and is_shown(s, wanted)]
    others.sort(key=SORT_KEYS[wanted.sort], reverse=wanted.reverse)
    if wanted.active_first:
        others.sort(key=lambda s: not s.active)
    return [_blocked_row(line) for line in trees] + [_row(s, f"  {s.id}") for s in others]


def matches_tree(line: Blocked, wanted: Wanted) -> bool:
    """A blocking tree is shown whatever the idle switch says; a filter still narrows it."""
    s = line.session
    return matches(wanted.filter, s.id, s.user, s.database, s.application, s.client, s.state, s.query)


def _blocked_row(line: Blocked) -> GridRow:
    marks = glyphs()
    if line.depth == 0:
        return _row(line.session, (f"{marks.root} {line.session.id}", Role.BAD), role_of_state=Role.BAD)
    rails = "".join(f"{marks.rail} " if goes_on else "  " for goes_on in line.rails)
    branch = marks.corner if line.last else marks.branch
    return _row(line.session, f"{rails}{branch} {line.session.id}", role_of_state=Role.WARN)


def _row(session: Session, id_cell: Cell, role_of_state: Role | None = None) -> GridRow:
    wait = f"{session.wait_type}:{session.wait}" if session.wait_type else ""
    locked = session.wait_type == "Lock"
    state: Cell = SHORT_STATES.get(session.state, session.state)
    if session.hidden:
        state = ("hidden", Role.MUTED)
    elif role_of_state and (role_of_state is Role.BAD or locked):
        state = (str(state), role_of_state)
    elif session.state.startswith("idle in transaction"):
        state = (str(state), Role.WARN)
    return GridRow(
        key=f"{session.id}/{session.started}",
        cells=(
            id_cell, session.user, session.database, session.application, session.client, state,
            (wait, Role.BAD if locked else Role.MUTED),
            text.duration(session.transaction_age), _age_cell(session),
            text.one_line(session.query, QUERY_WIDTH),
        ),
        role=Role.MUTED if session.state == "idle" or session.kind not in ("client backend", "") else None,
    )  # fmt: skip


def _age_cell(session: Session) -> Cell:
    age = age_of(session)
    shown = text.duration(age)
    if age is None or session.state in ("idle", ""):
        return (shown, Role.MUTED)
    if session.kind not in ("client backend", "parallel worker"):
        return shown
    if age >= VERY_SLOW:
        return (shown, Role.BAD)
    return (shown, Role.WARN) if age >= SLOW else shown


def blocking_summary(sessions: Sequence[Session], unblocked: str) -> tuple[str, Role]:
    """What the title says about blocking: how many wait, behind whom, how long; `unblocked` where nobody does."""
    roots = [line for line in forest(sessions) if line.depth == 0]
    if not roots and (alone := [s for s in sessions if s.stranded]):
        wait = "waits" if len(alone) == 1 else "wait"
        age = text.duration(max(age_of(s) or 0.0 for s in alone))
        return f"{len(alone)} {wait} for a lock, the longest for {age}; who holds it is not told", Role.WARN
    if not roots:
        return unblocked, Role.OK
    waiting = sum(root.waiting for root in roots)
    longest = max(root.longest for root in roots)
    who = f"root {roots[0].session.id}" if len(roots) == 1 else f"{len(roots)} roots"
    return f"blocked {waiting} · {who} · longest {text.duration(longest)}", Role.BAD


def describe(session: Session, lines: Sequence[Blocked], product: str = "") -> str:
    """The detail of one session: who it is, what it holds up, and its statement."""
    who = f"{session.user}@{session.database}" if session.database else session.user
    kind = "" if session.kind == "client backend" else session.kind
    facts = [f"{session.id}", who, session.application, session.client or "local", kind]
    age = (
        f" for {text.duration(session.state_age)}" if session.state and session.state_age is not None else ""
    )
    about = [session.state + age]
    if session.transaction_age is not None:
        about.append(f"transaction open {text.duration(session.transaction_age)}")
    if session.holds_back:
        about.append(f"holds back {text.count(session.holds_back)} transactions of vacuum")
    own = next((line for line in lines if line.session.id == session.id), None)
    if own is not None and own.waiting:
        about.append(f"blocks {own.waiting}, the longest for {text.duration(own.longest)}")
        about.append(frees(own, product))
    if session.blocked_by:
        about.append("waits for " + ", ".join(session.blocked_by))
    return text.printable(" · ".join(part for part in (*facts, *about) if part))


def metric_text(metric: Metric, snapshot: Snapshot) -> tuple[str, Role]:
    """A metric's value with its unit, and the role that its thresholds give it."""
    value = snapshot.metrics.get(metric.id)
    if value is None:
        return "·", Role.MUTED
    limit = (snapshot.counters.value or {}).get(metric.limit) if metric.limit else None
    shown = _formatted(metric, value)
    if limit:
        shown = f"{shown}/{_formatted(metric, limit)}"
    elif metric.limit:  # its thresholds are fractions of what the server does not tell
        return shown, Role.ACCENT
    against = value / limit if limit else value
    if metric.warn_above is not None and against > metric.warn_above:
        return f"{shown} ▲" if not glyphs().ascii else f"{shown} !", Role.WARN
    if metric.warn_below is not None and against < metric.warn_below:
        return f"{shown} ▼" if not glyphs().ascii else f"{shown} !", Role.WARN
    return shown, Role.ACCENT


def _formatted(metric: Metric, value: float) -> str:
    if metric.unit == "fraction":
        return text.percent(value)
    if metric.unit == "bytes":
        return text.size(value) + ("/s" if metric.kind == "rate" else "")
    if metric.unit == "seconds":
        return text.milliseconds(value * 1000)
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.1f}"


def figure_line(metrics: Sequence[Metric], snapshot: Snapshot, width: int) -> tuple[tuple[str, Role], ...]:
    """The figures that fit on one line: what crosses its threshold first, then what is not zero."""
    told = [(metric, *metric_text(metric, snapshot)) for metric in metrics if snapshot.metrics.get(metric.id)]
    told.sort(key=lambda item: item[2] is not Role.WARN)
    pieces: list[tuple[str, Role]] = []
    left = width - 2
    for metric, shown, role in told:
        label = f"{metric.label.lower()} "
        left -= len(label) + len(shown) + 3
        if left < 0:
            break
        pieces += [("  " if not pieces else "   ", Role.MUTED), (label, Role.MUTED)]
        pieces.append((shown, role if role is Role.WARN else Role.TEXT))
    return tuple(pieces)


def shift_line(shifts: Sequence[Shift], width: int) -> tuple[tuple[str, Role], ...]:
    """The greatest changes that one line holds."""
    pieces: list[tuple[str, Role]] = [("  changed ", Role.MUTED)]
    left = width - 12
    for number, shift in enumerate(shifts):
        shown = words(shift, 40)
        left -= width_of(shown) + 3
        if left < 0:
            break
        more = shift.now > shift.before
        sign = glyphs().up if more else glyphs().down
        pieces += [("   " if number else "", Role.MUTED), (f"{sign} ", Role.WARN if more else Role.OK)]
        pieces.append((shown, Role.TEXT))
    return tuple(pieces)


def _alike(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots differ in nothing that this pane shows: most come of a slower section."""
    same = one.activity is other.activity and one.metrics is other.metrics
    return same and (one.link, one.trouble) == (other.link, other.trouble)


class LiveView(TableView):
    """Charts, the session table with its blocking trees, and the detail of the row under the cursor."""

    noun = "Sessions"
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

    def compose(self) -> ComposeResult:
        if self.charts:
            with Horizontal(id="charts"):
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
        shown = self.marks.shown(rows(activity, self.wanted))
        grid.sort_column, grid.sort_reverse = self.sort, self.reverse
        grid.empty = self._why_empty(activity)
        grid.set_rows(shown)
        grid.stale = bool(section.error) or snapshot.link != "live"
        summary, role = blocking_summary(activity.sessions, self.nouns.unblocked)
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
