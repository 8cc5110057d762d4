"""Pane 2: which statements the load is made of, since the last sample or since the server's reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from dbtui import text
from dbtui.model.activity import StatementDelta, Statements
from dbtui.model.snapshot import Snapshot
from dbtui.tui.keys import bindings
from dbtui.tui.messages import Copy, Edit, Explain
from dbtui.tui.views.base import TableView, matches
from dbtui.tui.widgets.frame import Frame
from dbtui.tui.widgets.grid import Cell, Grid, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role

COLUMNS = (
    GridColumn("share", "Load", 7, "right", 90),
    GridColumn("calls", "Calls/s", 8, "right", 80),
    GridColumn("mean", "Mean", 9, "right", 85),
    GridColumn("total", "Total", 9, "right", 75),
    GridColumn("rows", "Rows", 7, "right", 60),
    GridColumn("hit", "Hit", 7, "right", 50),
    GridColumn("temp", "Temp", 8, "right", 30),
    GridColumn("wal", "WAL", 8, "right", 35),
    GridColumn("user", "User", 10, "left", 40),
    GridColumn("database", "Database", 10, "left", 20),
    GridColumn("query", "Statement", None, "left", 95),
)
BLOCK = 8192  # bytes, PostgreSQL's default and that of every packaged build
LOADING = "loading: the first counters are on their way"
SORT_KEYS: dict[str, Callable[[StatementDelta], float | str]] = {
    "share": lambda d: d.share,
    "calls": lambda d: d.calls,
    "mean": lambda d: d.mean_ms or 0.0,
    "total": lambda d: d.total_ms,
    "rows": lambda d: d.rows or 0,
    "hit": lambda d: _hit(d) or 0.0,
    "temp": lambda d: d.temp_blocks or 0,
    "wal": lambda d: d.wal_bytes or 0,
    "user": lambda d: d.statement.user,
    "database": lambda d: d.statement.database,
    "query": lambda d: d.statement.query or "",
}


def _hit(delta: StatementDelta) -> float | None:
    blocks = (delta.blocks_hit or 0) + (delta.blocks_read or 0)
    return (delta.blocks_hit or 0) / blocks if blocks else None


def since_reset(statements: Statements) -> tuple[StatementDelta, ...]:
    """The counters since the server's reset in the form of deltas, with no time between."""
    total = sum(s.total_ms for s in statements.statements) or 1.0
    return tuple(
        StatementDelta(
            s, 0.0, s.calls, s.total_ms, s.rows, s.blocks_hit, s.blocks_read, s.temp_blocks, s.wal_bytes,
            s.total_ms / total,
        )
        for s in statements.statements
    )  # fmt: skip


def rows(
    deltas: tuple[StatementDelta, ...], filter_text: str, sort: str, reverse: bool, limit: int = 500
) -> list[GridRow]:
    """The table in the wanted order: at most `limit` rows, the rest can be reached by the filter."""
    kept = [
        d
        for d in deltas
        if matches(filter_text, d.statement.user, d.statement.database, d.statement.query or "")
    ]
    kept.sort(key=SORT_KEYS[sort], reverse=reverse)
    return [_row(delta) for delta in kept[:limit]]


def _row(delta: StatementDelta) -> GridRow:
    share: Cell = text.percent(delta.share)
    if delta.share >= 0.25:
        share = (text.percent(delta.share), Role.BAD if delta.share >= 0.5 else Role.WARN)
    rate = delta.calls / delta.seconds if delta.seconds else None
    calls = f"{rate:.1f}" if rate is not None and rate < 1000 else text.count(rate or delta.calls)
    hit = _hit(delta)
    hit_cell: Cell = text.percent(hit)
    if hit is not None and hit < 0.9:
        hit_cell = (text.percent(hit), Role.WARN)
    temp = text.size(delta.temp_blocks * BLOCK) if delta.temp_blocks else ""
    statement = delta.statement
    query: Cell = (
        text.one_line(statement.query, 400) if statement.query else ("text not fetched yet", Role.MUTED)
    )
    return GridRow(
        key=statement.id,
        cells=(
            share, calls, text.milliseconds(delta.mean_ms), text.milliseconds(delta.total_ms),
            text.count(delta.rows),
            hit_cell, (temp, Role.WARN), text.size(delta.wal_bytes) if delta.wal_bytes else "",
            statement.user, statement.database, query,
        ),
    )  # fmt: skip


class StatementsView(TableView):
    """Statements ranked by load, and the whole text of the one under the cursor."""

    noun = "Statements"
    BINDINGS: ClassVar[list[BindingType]] = bindings("statements")

    def __init__(self) -> None:
        super().__init__(sort="share", reverse=True)
        self.whole = False  # since the server's reset, rather than since the last sample
        self._deltas: dict[str, StatementDelta] = {}

    def compose(self) -> ComposeResult:
        yield Static("", id="statement-note", markup=False)
        yield Grid(COLUMNS, id="statements", empty=LOADING)
        yield from self.compose_filter()
        yield Frame("Statement", Static("", id="statement-text", markup=False), id="statement-detail")

    def on_mount(self) -> None:
        self.grid.set_title(self.noun)

    def show(self, snapshot: Snapshot) -> None:
        self.latest = snapshot
        grid, section = self.grid, snapshot.statements
        statements = section.value
        if statements is None:
            why = section.error or snapshot.trouble or LOADING
            grid.empty = f"{why}\n\n{section.remedy}" if section.remedy else why
            return
        deltas = since_reset(statements) if self.whole else snapshot.deltas
        self._deltas = {d.statement.id: d for d in deltas}
        grid.sort_column, grid.sort_reverse = self.sort, self.reverse
        grid.empty = (
            "no statement ran since the last sample"
            if snapshot.deltas
            else "measuring: two samples are needed"
            if statements.statements
            else "nothing is counted"
        )
        grid.set_rows(rows(deltas, self.filter_text, self.sort, self.reverse))
        grid.stale = bool(section.error) or snapshot.link != "live"
        seconds = next((d.seconds for d in deltas), 0.0)
        base = (
            f"since the reset {statements.reset}".rstrip() if self.whole else f"in the last {seconds:.0f} s"
        )
        grid.set_title("Statements", f"{len(deltas)} {base}" if deltas else "", Role.TEXT)
        self._show_note(statements.note)
        wrong = section.error or snapshot.trouble
        notes = [
            wrong,
            statements.source,
            self.sorted_by,
        ]
        if statements.evicted:
            notes.insert(2, f"{text.count(statements.evicted)} evicted")
        grid.set_subtitle(" · ".join(note for note in notes if note), Role.WARN if wrong else Role.MUTED)
        self._show_detail()

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
            head = f"{s.user}@{s.database} · id {s.query_id} · {since}"
            content = text.printable(head) + "\n" + text.one_line(s.query or "", 1500)
        detail = self.query_one("#statement-text", Static)
        if detail.content != content:
            detail.update(content, layout=False)

    @property
    def delta(self) -> StatementDelta | None:
        """The statement under the cursor."""
        return self._deltas.get(self.grid.cursor_key or "")

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

        if (delta := self.delta) is not None and delta.statement.query:
            self.app.push_screen(
                TextScreen("Statement", text.printable(delta.statement.query, keep_newlines=True))
            )

    def action_base(self) -> None:
        self.whole = not self.whole
        self.redraw()

    def action_explain(self) -> None:
        if (delta := self.delta) is not None and delta.statement.query:
            self.post_message(Explain(delta.statement.query, delta.statement.database))

    def action_edit(self) -> None:
        if (delta := self.delta) is not None and delta.statement.query:
            self.post_message(Edit(delta.statement.query, delta.statement.database))

    def action_copy(self) -> None:
        if (delta := self.delta) is not None and delta.statement.query:
            self.post_message(Copy(delta.statement.query, "statement"))
