"""The one screen of a connection: the tree at the left, a pane at the right, a bar above and below.

Snapshots come down by a reactive, wishes come up by messages; what asks, acts or talks to the server is here
or in `live.session`, never in a view.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.notifications import SeverityLevel
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from dbtui import text
from dbtui.commands.explain import explain_on
from dbtui.config import Target
from dbtui.engines.base import Engine
from dbtui.errors import DbtuiError, NotApproved
from dbtui.live.session import ConsoleSession
from dbtui.model.catalog import Name, Node
from dbtui.model.finding import Finding
from dbtui.model.server import Environment
from dbtui.model.snapshot import Link, Snapshot
from dbtui.rules.plan import findings as plan_findings
from dbtui.safety import Approval
from dbtui.sql.classify import classify
from dbtui.tui.browser import WITHOUT_DETAIL, Browser
from dbtui.tui.keys import bindings
from dbtui.tui.messages import (
    ActOn,
    Copy,
    Edit,
    Explain,
    GaveUp,
    OpenServer,
    PickServer,
    SampleRows,
    SnapshotTaken,
)
from dbtui.tui.runner import StatementRunner
from dbtui.tui.screens.confirm import LiftQuestion, Question
from dbtui.tui.screens.find import FindScreen
from dbtui.tui.views.base import View, trouble
from dbtui.tui.views.findings import FindingsView, ShowNode
from dbtui.tui.views.live import LiveView
from dbtui.tui.views.migrate import MigrateView
from dbtui.tui.views.plan import PlanView
from dbtui.tui.views.query import QueryView, RunStatement, StopStatement
from dbtui.tui.views.schema import RELATIONS, SchemaView
from dbtui.tui.views.statements import StatementsView
from dbtui.tui.widgets.object_tree import ObjectTree
from dbtui.tui.widgets.pane_tabs import PaneTabs
from dbtui.tui.widgets.status import KeyBar, TopBar

PANES = {1: "live", 2: "statements", 3: "schema", 4: "query", 5: "plan", 6: "findings", 7: "migrate"}


class MainScreen(Screen[None]):
    """Everything about one connection."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("schema"), *bindings("main")]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-tiny"),
        (60, "-narrow"),
        (100, "-wide"),
    ]

    snapshot: reactive[Snapshot | None] = reactive(None)

    def __init__(
        self, target: Target, engine: Engine, servers: Sequence[Node], *, interval: float, charts: bool
    ) -> None:
        super().__init__()
        self.servers = servers
        self.target = target
        self.engine = engine
        self.charts = charts
        self.session = ConsoleSession(engine, target, interval=interval, on_snapshot=self._hand_over)
        self.browser = Browser(engine, target.name)
        self.runner = StatementRunner(engine, self.session)
        self.pane = "live"
        self.found: tuple[Sequence[Finding], str] | None = None  # in the newest plan, and its statement
        self.tree_wanted = False  # in every pane; the schema pane always has it

    def compose(self) -> ComposeResult:
        yield TopBar(self.target)
        yield PaneTabs(PANES)
        with Horizontal(id="body"):
            yield ObjectTree(id="browser")
            with ContentSwitcher(id="panes", initial="live"):
                yield self._make("live")
        yield KeyBar()

    def on_mount(self) -> None:
        self.tree_widget.display = False
        self.tree_widget.set_children((), self.servers)
        self.view("live").focus_main()
        self.session.start()

    async def on_unmount(self) -> None:
        self.workers.cancel_node(self)  # what they wait for ends now, and there is nothing left to draw it in
        await self.session.stop()

    # snapshots

    def _hand_over(self, snapshot: Snapshot) -> None:
        self.post_message(SnapshotTaken(snapshot))

    @on(SnapshotTaken)
    def _taken(self, event: SnapshotTaken) -> None:
        event.stop()
        self.snapshot = event.snapshot

    def watch_snapshot(self, before: Snapshot | None, snapshot: Snapshot | None) -> None:
        if snapshot is None or not self.is_mounted:
            return
        if snapshot.server is None and snapshot.link in (Link.LOST, Link.CLOSED):
            self.post_message(GaveUp(self.target.name, snapshot.trouble))
            return
        self.query_one(TopBar).show(snapshot, self.session.lift)
        self.current.show(snapshot)
        if snapshot.link is Link.LIVE and (before is None or before.link is not Link.LIVE):
            database = snapshot.server.database if snapshot.server else ""
            self.tree_widget.unfold((self.target.name, database))

    # panes

    def _make(self, pane: str) -> View:
        made: View
        if pane == "live":
            made = LiveView(self.engine.monitor.metrics, self.session.history, charts=self.charts)
        else:
            kinds: dict[str, type[View]] = {
                "statements": StatementsView, "schema": SchemaView, "query": QueryView, "plan": PlanView,
                "findings": FindingsView, "migrate": MigrateView,
            }  # fmt: skip
            made = kinds[pane]()
        made.id = pane
        return made

    def view(self, pane: str) -> View:
        return self.query_one(f"#{pane}", View)

    @property
    def current(self) -> View:
        return self.view(self.pane)

    async def open_pane(self, pane: str) -> View:
        """Show a pane, made on the first visit, and focus what one works with there."""
        self.maximized = None  # a zoomed box would hide it
        panes = self.query_one("#panes", ContentSwitcher)
        if not panes.query(f"#{pane}"):
            await panes.mount(self._make(pane))
        panes.current = pane
        self.pane = pane
        self.query_one(PaneTabs).active = pane
        self.tree_widget.display = self.tree_wanted or pane == "schema"
        if pane == "schema":
            self.tree_widget.focus()
        else:
            self.current.focus_main()
        if self.snapshot is not None:
            self.current.show(self.snapshot)
        if isinstance(self.current, FindingsView) and self.found is not None:
            self.current.show_findings(*self.found)
        return self.current

    async def action_pane(self, pane: str) -> None:
        await self.open_pane(pane)

    @on(PaneTabs.Chosen)
    async def _pane_chosen(self, event: PaneTabs.Chosen) -> None:
        event.stop()
        await self.open_pane(event.pane)

    # the tree

    @property
    def tree_widget(self) -> ObjectTree:
        return self.query_one(ObjectTree)

    def action_browser(self) -> None:
        self.maximized = None
        tree = self.tree_widget
        tree.display = self.tree_wanted = not tree.display
        if tree.display:
            tree.focus()
        else:
            self.current.focus_main()

    @on(ObjectTree.Expand)
    def _expand(self, event: ObjectTree.Expand) -> None:
        event.stop()
        if event.node.path[0] == self.target.name:
            self.run_worker(self.browser.fill(self.tree_widget, event.node), group="tree")
        else:
            self.post_message(OpenServer(event.node.name))

    @on(ObjectTree.Highlighted)
    def _tree_moved(self, event: ObjectTree.Highlighted) -> None:
        event.stop()
        if self.pane == "schema":
            self.run_worker(self._detail(event.node, still=0.15), group="detail", exclusive=True)

    @on(ObjectTree.Chosen)
    async def _tree_chosen(self, event: ObjectTree.Chosen) -> None:
        event.stop()
        if event.node.path[0] != self.target.name:
            self.post_message(OpenServer(event.node.name))
            return
        if self.pane != "schema":
            await self.open_pane("schema")
        if self.has_class("-tiny"):  # no room for both
            self.tree_widget.display = False
            self.schema.focus_main()
        self.run_worker(self._detail(event.node, still=0.0), group="detail", exclusive=True)

    async def _detail(self, node: Node, *, still: float) -> None:
        """Ask for a node's detail once the cursor has stood still for a moment (seconds)."""
        await asyncio.sleep(still)
        view = self.view("schema")
        assert isinstance(view, SchemaView)
        if node.path[0] != self.target.name or node.kind in WITHOUT_DETAIL:
            return
        view.show_loading(node)
        try:
            if (detail := await self.browser.detail(node)) is not None:
                view.show_detail(detail)
        except DbtuiError as error:
            view.show_trouble(trouble(error))

    # The schema pane's keys work on the tree as well, which stands beside it.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.pane == "schema" if action.startswith("schema_") else True

    @property
    def schema(self) -> SchemaView:
        return self.query_one(SchemaView)

    def action_schema_rows(self) -> None:
        if self.schema.node is not None and self.schema.node.kind in RELATIONS:
            self.post_message(SampleRows(self.schema.node))

    def action_schema_tab(self, step: int) -> None:
        self.schema.turn_tab(step)

    def action_schema_copy(self) -> None:
        if self.schema.detail is not None and self.schema.detail.ddl:
            self.post_message(Copy(self.schema.detail.ddl, "DDL"))

    @on(SampleRows)
    def _sample(self, event: SampleRows) -> None:
        event.stop()
        self.run_worker(self._rows(event.node), group="rows", exclusive=True)

    async def _rows(self, node: Node) -> None:
        view = self.view("schema")
        assert isinstance(view, SchemaView)
        try:
            if (page := await self.browser.sample(node)) is not None:
                await view.show_rows(page)
        except DbtuiError as error:
            view.show_trouble(trouble(error))

    def action_find(self) -> None:
        self.run_worker(self._find(), group="find", exclusive=True)

    async def _find(self) -> None:
        server = self.snapshot.server if self.snapshot else None
        if server is None:
            self.say("not connected yet", "warning")
            return
        try:
            names = await self.browser.names(server.database)
        except DbtuiError as error:
            self.say(str(error), "error")
            return
        name: Name | None = await self.app.push_screen_wait(FindScreen(names))
        if name is not None:
            await self.open_pane("schema")
            self.tree_widget.reveal((self.target.name, *name.path))

    # plans and statements

    @on(Explain)
    def _explain(self, event: Explain) -> None:
        event.stop()
        self.run_worker(self._plan(event.sql, event.database, event.analyze), group="plan", exclusive=True)

    async def _plan(self, sql: str, database: str, analyze: bool) -> None:
        if self.engine.explain is None:
            self.say(self.engine.lacks.get("explain", "this engine has no plans"), "warning")
            return
        approval = None
        if analyze:
            try:
                approval = await self._may_analyze(sql)
            except NotApproved as error:
                self.say(str(error), "warning")
                return
        view = await self.open_pane("plan")
        assert isinstance(view, PlanView)
        view.show_waiting(sql, database, analyze=analyze)
        result = "rolled back"
        try:
            plan = await explain_on(self.engine, sql, database=database, analyze=analyze, approval=approval)
            self.found = (plan_findings(plan), sql)
            view.show_plan(plan, self.found[0])
        except DbtuiError as error:
            view.show_error(trouble(error))
            result = f"failed: {error}"
        if approval is not None:
            self.session.record("explain analyze", sql, approval.reason, result)

    async def _may_analyze(self, sql: str) -> Approval | None:
        """Ask before a statement is run to be measured; raises NotApproved when the answer is no."""
        plain = classify(sql).only_reads
        if not plain and not self.runner.may_write:
            raise NotApproved(
                "ANALYZE runs the statement, and this one is no plain SELECT", "lift read-only with L first"
            )
        if not plain and self.target.environment is Environment.PRODUCTION:
            raise NotApproved(
                "ANALYZE of a statement that writes is never run on production", "use a copy or the estimates"
            )
        effect = (
            "It is run as it is, read-only, for at most 30 s."
            if plain
            else "It is run and rolled back, for at most 30 s."
        )
        where = f"EXPLAIN ANALYZE on {self.target.name} ({self.target.environment})"
        body = f"{where}\n{effect}\n\n{text.one_line(sql, 600)}"
        reason = await self.app.push_screen_wait(
            Question("Run it to measure it?", body, "run", reason=not plain)
        )
        if reason is None:
            raise NotApproved("it was not run", "")
        return None if plain else self.session.approve(sql, reason)

    @on(ShowNode)
    async def _show_node(self, event: ShowNode) -> None:
        event.stop()
        view = await self.open_pane("plan")
        assert isinstance(view, PlanView)
        view.plan_tree.move_to_node(event.node)

    @on(Edit)
    async def _edit(self, event: Edit) -> None:
        event.stop()
        view = await self.open_pane("query")
        assert isinstance(view, QueryView)
        view.load(event.sql, event.database)

    @on(RunStatement)
    def _run(self, event: RunStatement) -> None:
        event.stop()
        self.run_worker(self._statement(event.sql, event.database), group="query", exclusive=True)

    async def _statement(self, sql: str, database: str) -> None:
        view = self.view("query")
        assert isinstance(view, QueryView)
        reason: str | None = ""
        if not classify(sql).only_reads and self.session.lift is None and self.runner.may_write:
            reason = await self._may_write(sql)
        if reason is not None:
            await self.runner.run(view, sql, database, reason)

    async def _may_write(self, sql: str) -> str | None:
        """The reason of a write on a connection that was saved as writable; production asks for its name."""
        if self.target.environment is not Environment.PRODUCTION:
            return ""
        where = f"It is run on {self.target.name} (production), in a transaction of its own."
        body = f"{where}\n\n{text.one_line(sql, 600)}"
        answer: str | None = await self.app.push_screen_wait(Question("Write?", body, self.target.name))
        return answer

    @on(StopStatement)
    def _stop(self, event: StopStatement) -> None:
        event.stop()
        self.run_worker(self.runner.stop(), group="stop", exclusive=True)

    # actions

    @on(ActOn)
    def _act_on(self, event: ActOn) -> None:
        event.stop()
        self.run_worker(self._act(event), group="act", exclusive=True)

    async def _act(self, event: ActOn) -> None:
        session = event.session
        if self.engine.actions is None:
            self.say(self.engine.lacks.get("actions", "this engine cannot end sessions"), "warning")
            return
        cancel = event.action == "cancel"
        does = (
            "Stops its running statement; the session stays."
            if cancel
            else "Ends the session; its transaction is rolled back."
        )
        body = (
            f"{event.action} session {session.id} of {session.user}@{session.database} on {self.target.name} "
            f"({self.target.environment})\n{does}\n\n{session.state}, transaction open "
            f"{text.duration(session.transaction_age) or 'not'}\n{text.one_line(session.query, 400)}"
        )
        reason = await self.app.push_screen_wait(Question(f"{event.action.capitalize()}?", body, session.id))
        if reason is None:
            return
        act = self.session.cancel if cancel else self.session.terminate
        outcome = await act(session, reason)
        self.say(outcome.message, "information" if outcome.done else "warning")
        self.session.refresh()

    def action_lift(self) -> None:
        self.run_worker(self._lift(), group="lift", exclusive=True)

    async def _lift(self) -> None:
        if self.session.lift is not None:
            self.session.drop_lift()
            self.say("read-only again", "information")
        else:
            question = LiftQuestion(self.target.name, self.target.environment)
            choice = await self.app.push_screen_wait(question)
            if choice is None:
                return
            self.session.lift_read_only(choice.reason, once=choice.once)
        if self.snapshot is not None:
            self.query_one(TopBar).show(self.snapshot, self.session.lift)

    # the rest

    def say(self, message: str, severity: SeverityLevel) -> None:
        """A toast; server text in it is shown as it is."""
        self.notify(text.printable(message, keep_newlines=True), severity=severity, markup=False, timeout=6)

    @on(Copy)
    def _copy(self, event: Copy) -> None:
        event.stop()
        self.app.copy_to_clipboard(event.text)
        self.say(f"{event.noun} copied", "information")

    def action_servers(self) -> None:
        self.post_message(PickServer())

    def action_pause(self) -> None:
        paused = not (self.snapshot is not None and self.snapshot.paused)
        self.session.pause(paused)

    def action_refresh(self) -> None:
        self.browser.forget(self.tree_widget)
        self.session.refresh()

    def action_faster(self) -> None:
        self.session.set_interval(max(0.5, self.session.snapshot.interval / 2))

    def action_slower(self) -> None:
        self.session.set_interval(min(60.0, self.session.snapshot.interval * 2))

    def action_zoom(self) -> None:
        """Give the focused widget the whole screen, or the panes back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None:
            self.maximize(self.focused)
