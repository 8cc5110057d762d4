"""Pane 2: which statements the load is made of, since when, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from dbtui import text
from dbtui.live.history import History
from dbtui.live.ranking import (
    BASES,
    GROUPS,
    SEEN,
    Base,
    Counted,
    Group,
    between,
    callers,
    grouped,
    hit,
    since_reset,
    top,
)
from dbtui.model.activity import Statement, StatementDelta, Statements
from dbtui.model.snapshot import Snapshot
from dbtui.tui.keys import bindings
from dbtui.tui.messages import Advise, Copy, Edit, Explain
from dbtui.tui.views.base import TableView, matches
from dbtui.tui.widgets.frame import Frame
from dbtui.tui.widgets.grid import Cell, Grid, GridColumn, GridRow
from dbtui.tui.widgets.load import LoadChart
from dbtui.tui.widgets.roles import Role

COLUMNS = (
    GridColumn("share", "Load", 7, "right", 90),
    GridColumn("calls", "Calls", 8, "right", 80),
    GridColumn("mean", "Mean", 9, "right", 85),
    GridColumn("total", "Total", 9, "right", 75),
    GridColumn("rows", "Rows", 7, "right", 60),
    GridColumn("examined", "Examined", 8, "right", 55),
    GridColumn("hit", "Hit", 7, "right", 50),
    GridColumn("read", "Read", 7, "right", 25),
    GridColumn("temp", "Temp", 8, "right", 30),
    GridColumn("wal", "WAL", 8, "right", 35),
    GridColumn("plans", "Plans", 6, "right", 15),
    GridColumn("user", "User", 10, "left", 40),
    GridColumn("database", "Database", 10, "left", 20),
    GridColumn("query", "Statement", None, "left", 95),
)
NOT_EVERYWHERE = (("examined", "rows_read"), ("plans", "plans"))  # columns, and what they are made of
BLOCK = 8192  # bytes, PostgreSQL's default and that of every packaged build
LIMIT = 500  # rows of the table; the rest can be reached by the filter
LOADING = "loading: the first counters are on their way"
GROUP_NAMES: dict[Group, str] = {
    "": "", "user": "by user", "application": "by application", "client": "by host", "database": "by database",
}  # fmt: skip


def rows(deltas: Sequence[StatementDelta], filter_text: str, sort: str, reverse: bool) -> list[GridRow]:
    """The table in the wanted order: at most `LIMIT` rows."""

    def wanted(delta: StatementDelta) -> bool:
        statement = delta.statement
        return matches(filter_text, statement.user, statement.database, statement.query or "")

    return [_row(delta) for delta in top(deltas, wanted if filter_text else None, sort, reverse, LIMIT)]


def _row(delta: StatementDelta) -> GridRow:
    share: Cell = text.percent(delta.share)
    if delta.share >= 0.25:
        share = (text.percent(delta.share), Role.BAD if delta.share >= 0.5 else Role.WARN)
    found = hit(delta)
    hit_cell: Cell = text.percent(found)
    if found is not None and found < 0.9:
        hit_cell = (text.percent(found), Role.WARN)
    statement = delta.statement
    query: Cell = (
        text.one_line(statement.query, 400) if statement.query else ("text not fetched yet", Role.MUTED)
    )
    return GridRow(
        key=statement.id,
        cells=(
            share, _calls(delta), text.milliseconds(delta.mean_ms), text.milliseconds(delta.total_ms),
            text.count(delta.rows), text.count(delta.rows_read), hit_cell,
            _size(delta.blocks_read, BLOCK), (_size(delta.temp_blocks, BLOCK), Role.WARN),
            _size(delta.wal_bytes), text.count(delta.plans) if delta.plans else "",
            statement.user, statement.database, query,
        ),
    )  # fmt: skip


def _uncounted(statements: Statements) -> frozenset[str]:
    """The columns for which this server counts nothing: a product, a release or a setting may not."""
    return frozenset(
        column
        for column, figure in NOT_EVERYWHERE
        if not any(getattr(s, figure) for s in statements.statements)
    )


def _calls(delta: StatementDelta) -> str:
    """How often in a second of an interval, or in all; nothing for who was only seen in samples."""
    if not delta.calls:
        return ""
    if not delta.seconds:
        return text.count(delta.calls)
    rate = delta.calls / delta.seconds
    return f"{rate:.1f}/s" if rate < 1000 else f"{text.count(rate)}/s"


def _size(count: int | None, unit: int = 1) -> str:
    return text.size(count * unit) if count else ""


class StatementsView(TableView):
    """The load by wait class, statements ranked by it, and the whole text of the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("statements")

    def __init__(self, history: History | None = None, *, charts: bool = False, whole: bool = False) -> None:
        super().__init__(sort="share", reverse=True)
        self.history = history
        self.charts = charts
        self.base: Base = "reset" if whole else "last"
        self.group: Group = ""
        self.part = False  # whether only the top statements are known: a recording
        self.example: Callable[[Statement], str] = lambda _statement: ""  # as it was seen with its own values
        self._opened: Counted | None = None
        self._former: Counted | None = None  # the sample before, for who was seen
        self._newest: Counted | None = None
        self._deltas: dict[str, StatementDelta] = {}

    def compose(self) -> ComposeResult:
        if self.charts and self.history is not None:
            yield LoadChart(id="load")
        yield Static("", id="statement-note", markup=False)
        yield Grid(self.headed("statements", COLUMNS), id="statements", empty=LOADING)
        yield from self.compose_filter()
        title = self.nouns.statement.capitalize()
        yield Frame(title, Static("", id="statement-text", markup=False), id="statement-detail")

    def on_mount(self) -> None:
        self.grid.set_title(self.nouns.statements.capitalize())

    def show(self, snapshot: Snapshot) -> None:
        before, self.latest = self.latest, snapshot
        if self.charts and self.history is not None:
            self.query_one("#load", LoadChart).show(self.history, snapshot.at)
        if before is not None and _alike(before, snapshot):
            return
        grid, section = self.grid, snapshot.statements
        statements = section.value
        if statements is None:
            why = section.error or snapshot.trouble or LOADING
            grid.empty = f"{why}\n\n{section.remedy}" if section.remedy else why
            return
        self._remember(Counted(statements, section.taken_at or snapshot.at))
        deltas = self._chosen(snapshot, statements)
        self._deltas = {d.statement.id: d for d in deltas}
        grid.leave_out(_uncounted(statements))
        grid.sort_column, grid.sort_reverse = self.sort, self.reverse
        grid.empty = self._nothing(statements)
        grid.set_rows(rows(deltas, self.filter_text, self.sort, self.reverse))
        grid.stale = bool(section.error) or snapshot.link != "live"
        grid.set_title(
            self._noun(), f"{len(deltas)} {self._since(statements, deltas)}" if deltas else "", Role.TEXT
        )
        self._show_note(statements.note)
        self._show_subtitle(snapshot, statements)
        self._show_detail()

    def _remember(self, counted: Counted) -> None:
        """Keep what is compared with: the first sample since the pane was opened, and the one before."""
        opened = self._opened
        if opened is None or opened.statements.source != counted.statements.source:
            self._opened = counted
        if self._newest is None or counted.at != self._newest.at:
            self._former, self._newest = self._newest, counted

    def _chosen(self, snapshot: Snapshot, statements: Statements) -> Sequence[StatementDelta]:
        """The rows' figures: since the wanted moment, by the wanted group."""
        now = Counted(statements, snapshot.statements.taken_at or snapshot.at)
        if self.group in SEEN:
            then = {"last": self._former, "opened": self._opened, "reset": None}[self.base]
            seen = callers(now, self.group)
            if self.base == "reset":
                return since_reset(seen.statements)
            return between(callers(then, self.group) if then else None, seen, part=self.part)
        if self.base == "reset":
            deltas = since_reset(statements)
        elif self.base == "last":
            deltas = snapshot.deltas
        else:
            deltas = between(self._opened, now, part=self.part)
        return grouped(deltas, self.group) if self.group else deltas

    def _nothing(self, statements: Statements) -> str:
        if self.filter_text:
            return "nothing matches the filter"
        if not statements.statements:
            return (
                "nothing is counted"
                if "statements" in self.lacks
                else f"no {self.nouns.statement} was seen yet"
            )
        if self.base == "opened":
            return "nothing ran since the pane was opened"
        return f"no {self.nouns.statement} ran since the last sample: d shows all since the reset"

    def _noun(self) -> str:
        return f"{self.nouns.statements.capitalize()} {GROUP_NAMES[self.group]}".rstrip()

    def _since(self, statements: Statements, deltas: Sequence[StatementDelta]) -> str:
        seconds = next((d.seconds for d in deltas), 0.0)
        if self.base == "last":
            return f"in the last {seconds:.0f} s"
        if self.base == "opened":
            return f"since the pane was opened, {text.duration(seconds)} ago"
        if self.group in SEEN:
            return "seen since the connect"
        return f"since the reset {statements.reset}".rstrip()

    def _show_subtitle(self, snapshot: Snapshot, statements: Statements) -> None:
        wrong = snapshot.statements.error or snapshot.trouble
        notes = [wrong, "seen in samples of the sessions" if self.group in SEEN else statements.source]
        if statements.evicted:
            notes.append(f"{text.count(statements.evicted)} evicted")
        if self.part:
            notes.append("the top ones of a recording")
        if self.filter_text:
            notes.append(f"filter: {self.filter_text}")
        notes.append(self.sorted_by)
        self.grid.set_subtitle(" · ".join(note for note in notes if note), Role.WARN if wrong else Role.MUTED)

    def _show_note(self, note: str) -> None:
        """What a user should know about the counters, for example how to have real ones."""
        line = self.query_one("#statement-note", Static)
        shown = text.printable(note)
        if line.content != shown:
            line.update(shown)
        line.display = bool(shown)

    def _show_detail(self) -> None:
        delta = self.delta
        content = ""
        if delta is not None:
            s = delta.statement
            since = f"{text.count(s.calls)} calls and {text.milliseconds(s.total_ms)} since the reset"
            pieces = ["@".join(part for part in (s.user, s.database) if part)]
            pieces += [f"id {s.query_id}", since] if s.query_id else []
            head = text.printable(" · ".join(filter(None, pieces)))
            content = f"{head}\n{text.one_line(s.query or '', 1500)}"
        detail = self.query_one("#statement-text", Static)
        if detail.content != content:
            detail.update(content, layout=False)

    @property
    def delta(self) -> StatementDelta | None:
        """The row under the cursor."""
        return self._deltas.get(self.grid.cursor_key or "")

    @property
    def statement(self) -> Statement | None:
        """The statement under the cursor; None for a group, and while it has no text."""
        delta = self.delta
        return delta.statement if delta is not None and delta.statement.query and not self.group else None

    @on(Grid.Highlighted)
    def _moved(self, event: Grid.Highlighted) -> None:
        event.stop()
        self._show_detail()

    @on(Grid.Selected)
    def _selected(self, event: Grid.Selected) -> None:
        event.stop()
        self.action_detail()

    def action_detail(self) -> None:
        """The whole statement; of a group of users or databases its statements."""
        from dbtui.tui.screens.texts import TextScreen

        if (statement := self.statement) is not None:
            shown = text.printable(statement.query or "", keep_newlines=True)
            if example := self.example(statement):
                shown += "\n\n-- as a session was seen to run it:\n" + text.printable(
                    example, keep_newlines=True
                )
            self.app.push_screen(TextScreen(self.nouns.statement.capitalize(), shown))
        elif (delta := self.delta) is not None and self.group in ("user", "database"):
            self.filter_text = delta.statement.user or delta.statement.database
            self.group = ""
            self.show_filter(self.filter_text)
            self.redraw()

    def action_base(self) -> None:
        """Count since the last sample, since the pane was opened, or since the server's reset."""
        self.base = BASES[(BASES.index(self.base) + 1) % len(BASES)]
        self.redraw()

    def action_begin(self) -> None:
        """Let the pane be opened now: count from here on."""
        self._opened, self.base = self._newest, "opened"
        self.redraw()

    def action_group(self) -> None:
        """Add up by user, application, host or database, or not at all."""
        self.group = GROUPS[(GROUPS.index(self.group) + 1) % len(GROUPS)]
        self.redraw()

    def action_explain(self) -> None:
        """The plan, with the values of an execution that was seen, where there was one."""
        if (statement := self.statement) is not None:
            self.post_message(Explain(self.example(statement) or statement.query or "", statement.database))

    def action_advise(self) -> None:
        """Which indexes would help, with the values of an execution that was seen, where there was one."""
        if (statement := self.statement) is not None:
            self.post_message(Advise(self.example(statement) or statement.query or "", statement.database))

    def action_edit(self) -> None:
        if (statement := self.statement) is not None:
            self.post_message(Edit(statement.query or "", statement.database))

    def action_copy(self) -> None:
        if (statement := self.statement) is not None:
            self.post_message(Copy(statement.query or "", self.nouns.statement))


def _alike(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots differ in nothing that the table shows: most come of a faster section."""
    same = one.statements is other.statements and one.deltas is other.deltas
    return same and (one.link, one.trouble) == (other.link, other.trouble)
