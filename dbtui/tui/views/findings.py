"""Pane 6: what rules have found, and for each the evidence, the advice and the statements that mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from dbtui import text
from dbtui.model.finding import Finding, Severity
from dbtui.tui.keys import bindings
from dbtui.tui.messages import Copy, ShowNode
from dbtui.tui.views.base import View
from dbtui.tui.widgets.frame import Frame
from dbtui.tui.widgets.grid import Cell, Grid, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role, glyphs

if TYPE_CHECKING:
    from dbtui.tui.watching import Said

COLUMNS = (
    GridColumn("severity", "Severity", 10, "left", 100),
    GridColumn("rule", "Rule", 30, "left", 70),
    GridColumn("object", "Object", 24, "left", 60),
    GridColumn("message", "What", None, "left", 90),
)
ROLES = {Severity.ERROR: Role.BAD, Severity.WARNING: Role.WARN, Severity.INFO: Role.MUTED}
NOTHING = (
    "no findings: no rule has anything to say about the server\n"
    "the plan of a statement brings others: e on a session, ctrl+g in the editor"
)


def severity_cell(severity: Severity) -> Cell:
    """Glyph, word and colour: each says it alone."""
    marks = glyphs()
    sign = {Severity.ERROR: marks.high, Severity.WARNING: marks.dot, Severity.INFO: marks.ring}[severity]
    return (f"{sign} {severity}", ROLES[severity])


def by_key(findings: Sequence[Finding]) -> dict[str, Finding]:
    """The findings, each with what it is over all refreshes: its rule, its object and its node."""
    found: dict[str, Finding] = {}
    for one in findings:
        key = f"{one.rule}/{one.object}/{one.node}"
        found[key if key not in found else f"{key}/{len(found)}"] = one
    return found


def rows(findings: Sequence[Finding]) -> list[GridRow]:
    """One row a finding, in the order they came: the gravest first."""
    return [
        GridRow(
            key, (severity_cell(one.severity), one.rule, one.object or "", text.one_line(one.message, 300))
        )
        for key, one in by_key(findings).items()
    ]


def counted(findings: Sequence[Finding]) -> str:
    """How many of each severity, for a title: `2 errors · 1 warning`."""
    counts = Counter(one.severity for one in findings)
    return " · ".join(numbered(counts[severity], severity) for severity in Severity if counts[severity])


def numbered(count: int, severity: Severity) -> str:
    """`1 error`, `2 errors`; an info has no plural."""
    return f"{count} {severity}{'s' if count > 1 and severity is not Severity.INFO else ''}"


def described(finding: Finding) -> str:
    """All of a finding as lines."""
    lines = [finding.message]
    if finding.evidence:
        lines.append(
            "evidence  " + " · ".join(f"{name} {_figure(v)}" for name, v in finding.evidence.items())
        )
    if finding.advice:
        lines.append(f"advice    {finding.advice}")
    lines += [f"  {statement}" for statement in finding.sql]
    lines += list(finding.docs)
    return text.printable("\n".join(lines), keep_newlines=True)


def _figure(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.3f}".rstrip("0").rstrip(".")


class FindingsView(View):
    """The list over the detail of the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("findings")

    def __init__(self) -> None:
        super().__init__()
        self.findings: Sequence[Finding] = ()
        self._live: Sequence[Finding] = ()  # about the server, now
        self._plan: Sequence[Finding] = ()  # about the newest plan

    def compose(self) -> ComposeResult:
        yield Grid(COLUMNS, id="findings-list", empty=NOTHING)
        with Frame("Finding", id="finding-detail"), VerticalScroll():
            yield Static("", id="finding-text", markup=False)

    @property
    def grid(self) -> Grid:
        return self.query_one(Grid)

    def on_mount(self) -> None:
        self.grid.set_title("Findings")
        self._show_detail()

    def focus_main(self) -> None:
        self.grid.focus()

    def show_findings(self, findings: Sequence[Finding], subject: str) -> None:
        """Show what was found in `subject`, a statement."""
        self._plan = findings
        self.grid.set_subtitle(text.one_line(subject, 100))
        self.grid.empty = "no rule has anything to say about this plan, nor about the server"
        self._show_all()

    def show_watch(self, said: Said) -> None:
        if said.findings is not self._live:
            self._live = said.findings
            self._show_all()

    def _show_all(self) -> None:
        """Those about the server, then those about the plan."""
        self.findings = (*self._live, *self._plan)
        gravest = min(self.findings, key=lambda one: list(Severity).index(one.severity), default=None)
        self.grid.set_rows(rows(self.findings))
        self.grid.set_title(
            "Findings", counted(self.findings), ROLES[gravest.severity] if gravest else Role.OK
        )
        self._show_detail()

    @property
    def finding(self) -> Finding | None:
        """The finding under the cursor."""
        return by_key(self.findings).get(self.grid.cursor_key or "")

    def _show_detail(self) -> None:
        finding = self.finding
        self.query_one("#finding-detail", Frame).display = finding is not None
        self.query_one("#finding-text", Static).update(described(finding) if finding else "")

    @on(Grid.Highlighted)
    def _moved(self, event: Grid.Highlighted) -> None:
        event.stop()
        self._show_detail()

    @on(Grid.Selected)
    def _selected(self, event: Grid.Selected) -> None:
        event.stop()
        self.action_node()

    def action_node(self) -> None:
        if (finding := self.finding) is not None and finding.node is not None:
            self.post_message(ShowNode(finding.node))

    def action_docs(self) -> None:
        from dbtui.commands.rules import find_rule
        from dbtui.tui.screens.texts import TextScreen

        if (finding := self.finding) is not None:
            self.app.push_screen(TextScreen(finding.rule, find_rule(finding.rule).docs))

    def action_copy(self) -> None:
        if (finding := self.finding) is not None:
            self.post_message(Copy("\n".join(finding.sql) or finding.message, "remedy"))
