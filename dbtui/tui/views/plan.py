"""Pane 5: a query plan as a tree with true self times, and the node under the cursor."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from dbtui import text
from dbtui.commands.plan_history import Change
from dbtui.model.finding import Finding, Severity
from dbtui.model.plan import Plan, PlanNode
from dbtui.tui.keys import bindings
from dbtui.tui.messages import Advise, Copy, Edit, Explain, PlanWish, ShowPlan
from dbtui.tui.views.base import View
from dbtui.tui.widgets.frame import Frame
from dbtui.tui.widgets.icicle import Icicle
from dbtui.tui.widgets.plan_tree import PlanTree
from dbtui.tui.widgets.roles import Role, glyphs

# what the figures above the properties say already, or what only the tree is made of
NOT_REPEATED = frozenset(
    {
        "Node Type", "Plans", "Workers", "Parallel Aware", "Async Capable", "Disabled", "Parent Relationship",
        "Plan Rows", "Actual Rows", "Actual Loops", "Actual Startup Time", "Actual Total Time",
        "Relation Name", "Schema", "Alias", "Index Name",
    }
)  # fmt: skip
NO_PLAN = (
    "no plan yet · e on a session or a statement, ctrl+g in the editor, brings one here\n"
    "O opens one from a file · or paste one here, in any form"
)
_GRAVITY = {Severity.ERROR: Role.BAD, Severity.WARNING: Role.WARN, Severity.INFO: Role.TEXT}


def summary(plan: Plan, *, measurable: bool = True) -> str:
    """One line about a plan as a whole; `measurable` says whether the engine could run it to measure it."""
    parts = []
    if plan.total_ms is not None:
        parts.append(f"execution {text.milliseconds(plan.total_ms)}")
    if plan.planning_ms is not None:
        parts.append(f"planning {text.milliseconds(plan.planning_ms)}")
    if not plan.analyzed:
        root = plan.nodes[0]
        if root.total_cost is not None:
            parts.append(f"cost {root.total_cost:,.0f}")
    parts.extend(note for note in plan.notes if note != "estimates only")  # the frame says that
    parts.append("1 node" if len(plan.nodes) == 1 else f"{len(plan.nodes)} nodes")
    if measurable and not plan.analyzed:
        parts.append("a runs it and measures")
    return text.printable(" · ".join(parts))


def node_text(node: PlanNode) -> str:
    """Everything the server said about a node, its figures first."""
    lines = [node.label]
    if node.loops is not None:
        if node.executed:
            figures = [
                f"self {text.milliseconds(node.self_ms)}",
                f"with children {text.milliseconds(node.total_ms)}",
            ]
            if node.loops != 1:
                figures.append(f"{node.loops:,.0f} loops")
            lines.append(" · ".join(figures))
        else:
            lines.append("never executed")
    if node.estimated_rows is not None:
        rows = f"rows estimated {node.estimated_rows:,.0f}"
        if node.rows is not None and node.executed:
            rows += f", actual {node.rows:,.1f} per loop{_factor(node)}"
        lines.append(rows)
    if node.blocks is not None:
        own = f", {node.self_blocks:,} its own" if node.self_blocks is not None else ""
        lines.append(f"blocks {node.blocks:,}{own}")
    lines.append("")
    lines.extend(f"{key}: {_value(value)}" for key, value in told(node))
    return text.printable("\n".join(lines), keep_newlines=True)


def told(node: PlanNode) -> list[tuple[str, Any]]:
    """The properties worth a line: words first, then the counters that are not zero."""
    kept = [(key, value) for key, value in node.raw.items() if key not in NOT_REPEATED and value != 0]
    return sorted(kept, key=lambda item: isinstance(item[1], int | float) and not isinstance(item[1], bool))


def _factor(node: PlanNode) -> str:
    estimated, actual = max(node.estimated_rows or 0.0, 1.0), max(node.rows or 0.0, 1.0)
    factor = max(estimated / actual, actual / estimated)
    if factor < 2:
        return ""
    return f" ({factor:,.0f} times {'fewer' if actual < estimated else 'more'})"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_value(inner) for inner in value)
    return str(value)


def _told(plan: Plan, findings: Sequence[Finding], change: Change | None, *, measurable: bool) -> str:
    told = summary(plan, measurable=measurable)
    if findings:
        noun = "finding" if len(findings) == 1 else "findings"
        told += f" · {glyphs().high} {len(findings)} {noun}: 6 shows them"
    if change is not None:
        at = time.strftime("%d %b %H:%M", time.localtime(change.before.taken))
        because = f", probably: {change.causes[0]}" if change.causes else ""
        told += "\n" + text.printable(f"{glyphs().high} another plan than at {at}{because} · c compares")
    return told


def flagged(findings: Sequence[Finding]) -> dict[int, Role]:
    """The nodes with findings, and the gravest of each; findings come the gravest first."""
    worst: dict[int, Role] = {}
    for one in findings:
        if one.node is not None:
            worst.setdefault(one.node, _GRAVITY[one.severity])
    return worst


class PlanView(View, can_focus=True):
    """The tree at the left, its node at the right; on narrow terminals the node opens on Enter."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("plan")

    def __init__(self) -> None:
        super().__init__()
        self.plan: Plan | None = None
        self.before: Plan | None = None  # what a pasted plan is compared with: the one shown before it
        self.findings: Sequence[Finding] = ()
        self.sql = ""
        self.database = ""

    def compose(self) -> ComposeResult:
        yield Static("", id="plan-summary", markup=False)
        yield Static(
            text.printable(self.lacks.get("explain", NO_PLAN), keep_newlines=True),
            id="plan-empty",
            classes="empty",
            markup=False,
        )
        with Horizontal(id="plan-body"):
            yield PlanTree(id="plan-tree")
            yield Icicle(id="plan-icicle")
            with Frame("Node", id="plan-node"), VerticalScroll():
                yield Static("", id="plan-node-text", markup=False)

    def on_mount(self) -> None:
        self.icicle.display = False
        self._show_parts(False)

    def _show_parts(self, there: bool, instead: str = "") -> None:
        """The tree and its node, or a sentence in their place."""
        self.query_one("#plan-summary").display = self.query_one("#plan-body").display = there
        self.query_one("#plan-empty").display = not there
        if instead:
            self.query_one("#plan-empty", Static).update(instead)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that have nothing to work on are grey."""
        if action in ("analyze", "explain", "edit", "advise"):
            return True if self.sql else None
        if action == "wish":
            return True if self._can_be_wished(str(parameters[0])) else None
        if action in ("original", "copy", "icicle", "hottest"):
            return True if self.plan is not None else None
        return True

    def _can_be_wished(self, wish: str) -> bool:
        if wish == "open_plan":
            return True
        if self.plan is None:
            return False
        if wish == "compare":
            return bool(self.sql) or self.before is not None
        if wish == "statistics":
            return bool(self.sql) and self.plan.analyzed
        return bool(self.sql) or wish != "values"

    @property
    def plan_tree(self) -> PlanTree:
        return self.query_one(PlanTree)

    @property
    def icicle(self) -> Icicle:
        return self.query_one(Icicle)

    @property
    def listing(self) -> PlanTree | Icicle:
        """What shows the plan now."""
        return self.icicle if self.icicle.display else self.plan_tree

    def focus_main(self) -> None:
        (self.listing if self.plan is not None else self).focus()

    def show_waiting(self, sql: str, database: str, *, analyze: bool) -> None:
        """A plan was asked for; the plan of the same statement stays in sight meanwhile."""
        doing = "running it to measure…" if analyze else "asking for the plan…"
        said = f"{doing} {text.one_line(sql, 200)}"
        same = self.plan is not None and (sql, database) == (self.sql, self.database)
        self.sql, self.database = sql, database
        self._show_parts(same, said)
        self.query_one("#plan-summary", Static).update(said)

    def show_plan(self, plan: Plan, findings: Sequence[Finding] = (), change: Change | None = None) -> None:
        """Draw a plan with the cursor on its root; say how much was found in it, and what changed since."""
        self.plan, self.findings = plan, findings
        told = _told(plan, findings, change, measurable=bool(self.sql) and "analyze" not in self.lacks)
        self.query_one("#plan-summary", Static).update(told)
        self._show_parts(True)
        self.plan_tree.set_plan(plan, flagged(findings))
        self.icicle.set_plan(plan)
        self._show_node(0)
        self._keep_focus()

    def show_error(self, message: str) -> None:
        """Say why there is no plan; an older one would be taken for the answer."""
        self.plan = None
        self._show_parts(
            False, f"{text.printable(message, keep_newlines=True)}\n\n{text.one_line(self.sql, 600)}"
        )
        self._keep_focus()

    def _keep_focus(self) -> None:
        """The tree came or went: the keys go on working, unless they are elsewhere by now."""
        if self.has_focus_within or self.screen.focused is None:
            self.focus_main()

    def show_foreign(self, plan: Plan, findings: Sequence[Finding]) -> None:
        """Draw a plan that was pasted or read from a file: there is no statement to run again."""
        self.before = self.plan
        self.sql = self.database = ""
        self.show_plan(plan, findings)

    @on(PlanTree.Highlighted)
    def _moved(self, event: PlanTree.Highlighted) -> None:
        event.stop()
        self._show_node(event.node_id)

    @on(PlanTree.Selected)
    def _selected(self, event: PlanTree.Selected) -> None:
        from dbtui.tui.screens.texts import TextScreen

        event.stop()
        if self.plan is not None:
            node = self.plan.nodes[event.node_id]
            self.app.push_screen(TextScreen(node.operation, node_text(node)))

    def _show_node(self, node_id: int) -> None:
        if self.plan is not None:
            about = [one for one in self.findings if one.node == node_id]
            said = "".join(f"{glyphs().high} {one.rule}: {one.message}\n" for one in about)
            node = node_text(self.plan.nodes[node_id])
            self.query_one("#plan-node-text", Static).update(text.printable(said, keep_newlines=True) + node)

    def on_paste(self, event: events.Paste) -> None:
        """A plan that is pasted onto the pane is shown."""
        event.stop()
        if event.text.strip():
            self.post_message(ShowPlan(event.text))

    def action_icicle(self) -> None:
        """Turn from the tree to the icicle and back, on the same node."""
        node = self.listing.cursor_node
        self.icicle.display = not self.icicle.display
        self.plan_tree.display = not self.icicle.display
        if node is not None:
            self.listing.move_to_node(node.id)
        self.listing.focus()

    def action_hottest(self) -> None:
        """Go to the node with most of its own."""
        self.plan_tree.action_hottest()
        node = self.plan_tree.cursor_node
        if node is not None and self.icicle.display:
            self.icicle.move_to_node(node.id)

    def action_wish(self, wish: str) -> None:
        """Ask for what needs the server or another screen."""
        self.post_message(PlanWish(wish))

    def action_analyze(self) -> None:
        if self.sql:
            self.post_message(Explain(self.sql, self.database, analyze=True))

    def action_explain(self) -> None:
        if self.sql:
            self.post_message(Explain(self.sql, self.database))

    def action_advise(self) -> None:
        if self.sql:
            self.post_message(Advise(self.sql, self.database))

    def action_edit(self) -> None:
        if self.sql:
            self.post_message(Edit(self.sql, self.database))

    def action_original(self) -> None:
        from dbtui.tui.screens.texts import TextScreen

        if self.plan is not None:
            body = text.printable(self.plan.original, keep_newlines=True)
            self.app.push_screen(TextScreen("The plan as the server gave it", body))

    def action_copy(self) -> None:
        if self.plan is not None:
            self.post_message(Copy(self.plan.original, "plan"))
