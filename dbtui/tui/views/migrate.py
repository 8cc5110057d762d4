"""Pane 7: SQL becomes a plan of steps that is rehearsed, and run one approved step at a time."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from dbtui import text
from dbtui.migrations.limits import Limits
from dbtui.model.change import ChangePlan, Source
from dbtui.model.run import Rehearsal, Rehearsed, Run, StepRun
from dbtui.model.snapshot import Snapshot
from dbtui.tui.keys import bindings
from dbtui.tui.messages import Copy, MigrateWish
from dbtui.tui.views.base import View
from dbtui.tui.views.findings import ROLES as SEVERITIES
from dbtui.tui.views.migrate_texts import COLUMNS, beside, by_step, described, heading, rows
from dbtui.tui.widgets.frame import Frame
from dbtui.tui.widgets.grid import Cell, Grid, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role
from dbtui.tui.widgets.sql_area import SqlArea

SOURCES = (
    GridColumn("verdict", "Verdict", 10, "left", 100, False),
    GridColumn("says", "Statements, and what the rules say of them as they stand", None, "left", 90, False),
)


HOW = """\
Type or paste DDL above: ctrl+r plans it. Or press esc, and o for a file

  1  assess    what each statement locks, rewrites and scans
  2  plan      safe steps: expand, backfill, validate, contract
  3  rehearse  t: where it can hurt nobody, never on your rows
  4  run       n: each step approved; it can stop, or crash, and go on

Nothing is changed before you approve a step."""
WITHOUT_SQL = """\
Type or paste {statements} above: ctrl+r plans them. Or press esc, and o for a file

  1  assess    what each of them costs, and whom it keeps waiting
  2  plan      safe steps, in batches that can be paused
  3  run       n: each step approved; it can stop, or crash, and go on

Nothing is changed before you approve a step."""


class MigrateView(View):
    """The editor and the verdicts over the steps, the step under the cursor, and what is seen beside it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("migrate")

    def __init__(self) -> None:
        super().__init__()
        self.plan: ChangePlan | None = None
        self.run: Run | None = None
        self.rehearsal: Rehearsal | None = None
        self.planned_text = ""
        self.limits = Limits()  # of the next run
        self._snapshot: Snapshot | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="migrate-top"):
            editor = SqlArea(id="migrate-editor", runs=False, dialect=self.nouns.dialect)
            yield Frame(self.nouns.language, editor, id="migrate-editor-box")
            yield Grid(SOURCES, id="migrate-sources", empty="nothing is assessed yet")
        how = HOW if self.nouns.dialect else WITHOUT_SQL.format(statements=self.nouns.statements)
        yield Grid(COLUMNS, id="migrate-steps", empty=how)
        with Horizontal(id="migrate-bottom"):
            with Frame("Step", id="migrate-step"), VerticalScroll(can_focus=False):
                yield Static("", id="migrate-step-text", markup=False)
            with Frame("Beside it", id="migrate-beside"), VerticalScroll(can_focus=False):
                yield Static("", id="migrate-beside-text", markup=False)

    def on_mount(self) -> None:
        self.steps.set_title("Plan")
        self.query_one("#migrate-sources", Grid).set_title("Verdicts")
        self._arrange()

    @property
    def editor(self) -> SqlArea:
        return self.query_one("#migrate-editor", SqlArea)

    @property
    def steps(self) -> Grid:
        return self.query_one("#migrate-steps", Grid)

    def focus_main(self) -> None:
        if self.plan is None:
            self.editor.focus()
        else:
            self.steps.focus()

    # what is shown

    def load(self, sql: str) -> None:
        """Put SQL into the editor, in place of what is there."""
        self.editor.text = text.printable(sql, keep_newlines=True)

    def say(self, line: str, role: Role = Role.MUTED) -> None:
        """What is going on, in the frame of the plan."""
        self.steps.set_subtitle(text.one_line(line, 110), role)

    def show_plan(self, plan: ChangePlan) -> None:
        """Show a plan that nothing has been run of, as far as is known."""
        self.plan, self.run, self.rehearsal = plan, None, None
        sources = self.query_one("#migrate-sources", Grid)
        sources.set_rows([row for number, one in enumerate(plan.source) for row in verdicts(number, one)])
        self._draw()
        if self.display:  # another pane may have been opened meanwhile
            self.steps.focus()

    def show_rehearsal(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self._draw()

    def show_run(self, run: Run) -> None:
        """Show a moment of the run; the cursor follows the step at work."""
        before = self.run.current if self.run is not None else None
        self.run = run
        self._draw()
        if run.current is not None and run.current != before:
            self.steps.cursor_key = str(run.current)

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._draw_beside()

    def _draw(self) -> None:
        assert self.plan is not None
        self.steps.set_rows(rows(self.plan, self.run, self.rehearsal))
        self.steps.set_title(f"Plan {self.plan.id}", *heading(self.plan, self.run))
        self._arrange()
        self._draw_step()
        self._draw_beside()

    def _arrange(self) -> None:
        """Where there is little room, what is not needed now gives way."""
        planned = self.plan is not None
        self.set_class(planned, "-planned")
        self.set_class(self.run is not None and self.run.current is not None, "-running")

    @property
    def step(self) -> StepRun | None:
        """The step under the cursor."""
        key = self.steps.cursor_key
        if self.plan is None or key is None:
            return None
        steps = self.run.steps if self.run is not None else tuple(StepRun(step) for step in self.plan.steps)
        return next((one for one in steps if str(one.step.number) == key), None)

    def _draw_step(self) -> None:
        one = self.step
        shown = described(one, self._tried(one)) if one is not None else ""
        self.query_one("#migrate-step-text", Static).update(shown)
        self.query_one("#migrate-step", Frame).set_title(
            f"Step {one.step.number}" if one is not None else "Step"
        )

    def _tried(self, one: StepRun) -> Rehearsed | None:
        return by_step(self.rehearsal).get(one.step.number)

    def _draw_beside(self) -> None:
        self.query_one("#migrate-beside-text", Static).update(beside(self.run, self._snapshot))

    # what is wished for

    @on(Grid.Highlighted)
    def _moved(self, event: Grid.Highlighted) -> None:
        event.stop()
        if event.grid is self.steps:
            self._draw_step()

    @on(Grid.Selected)
    def _selected(self, event: Grid.Selected) -> None:
        from dbtui.tui.screens.texts import TextScreen

        event.stop()
        if event.grid is self.steps and (one := self.step) is not None:
            self.app.push_screen(TextScreen(f"Step {one.step.number}", described(one, self._tried(one))))

    @on(SqlArea.Leave)
    def _leave(self, event: SqlArea.Leave) -> None:
        event.stop()
        self.steps.focus()

    def action_wish(self, wish: str) -> None:
        self.post_message(MigrateWish(wish))

    def action_editor(self) -> None:
        self.remove_class("-planned")
        self.editor.focus()

    def action_copy(self) -> None:
        if (one := self.step) is not None:
            self.post_message(Copy("\n".join(f"{sql};" for sql in one.step.statements), "step"))


def verdicts(number: int, source: Source) -> list[GridRow]:
    """A row for a statement, and one for each finding about it."""
    verdict: Cell = ("safe", Role.OK) if source.safe else ("not safe", Role.WARN)
    if source.safe is None:
        verdict = ("unknown", Role.BAD)
    made = [GridRow(str(number), (verdict, text.one_line(source.sql, 300)))]
    for index, finding in enumerate(source.findings):
        cells = (
            (f"  {finding.severity}", SEVERITIES[finding.severity]),
            f"  {finding.message} ({finding.rule})",
        )
        made.append(GridRow(f"{number}/{index}", cells))
    return made
