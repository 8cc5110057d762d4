"""The one screen of a connection: the tree at the left, a pane at the right, a bar above and below.

Snapshots come down by a reactive, wishes come up by messages. Each wish is begun here as the task that it names
(`tui.messages`); tasks ask the user and talk to the server, views never do.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.notifications import SeverityLevel
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from dbtui import text
from dbtui.config import Target
from dbtui.engines.base import Engine
from dbtui.live.session import ConsoleSession
from dbtui.live.tape import Tape
from dbtui.model.catalog import Node
from dbtui.model.snapshot import Link, Snapshot
from dbtui.tui import panes
from dbtui.tui.browser import RELATIONS, Browser
from dbtui.tui.keys import bindings
from dbtui.tui.messages import Copy, GaveUp, OpenServer, PickServer, SampleRows, SnapshotTaken, Wish
from dbtui.tui.past import Past, clock
from dbtui.tui.views.base import View
from dbtui.tui.widgets.cost import CostCorner
from dbtui.tui.widgets.frame import Row
from dbtui.tui.widgets.object_tree import ObjectTree
from dbtui.tui.widgets.pane_tabs import PaneTabs
from dbtui.tui.widgets.roles import Role
from dbtui.tui.widgets.status import WIDE, KeyBar, TopBar

if TYPE_CHECKING:
    from dbtui.migrations.runner import Runner
    from dbtui.model.finding import Finding
    from dbtui.tui.views.findings import FindingsView
    from dbtui.tui.views.live import LiveView
    from dbtui.tui.views.schema import SchemaView
    from dbtui.tui.watching import Watching

SAID = 600  # characters of a toast


class MainScreen(Screen[None]):
    """Everything about one connection."""

    BLANK = True  # its parts cover it, as those of a row, of a frame and of a view do
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("schema"), *bindings("time"), *bindings("main")]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-tiny"),
        (60, "-narrow"),
        (100, "-wide"),
    ]

    snapshot: reactive[Snapshot | None] = reactive(None, repaint=False)

    def __init__(
        self,
        target: Target,
        engine: Engine,
        servers: Sequence[Node],
        *,
        interval: float,
        charts: bool,
        recording: tuple[Tape, int] | None = None,
        pane: str = "live",
    ) -> None:
        super().__init__()
        self.servers = servers
        self.target = target
        self.engine = engine
        self.charts = charts
        self.session = ConsoleSession(
            engine, target, interval=interval, on_snapshot=self._hand_over, recording=recording
        )
        self.past = Past(self.session.tape)
        self.browser = Browser(engine, target.name)
        self.pane = "live"
        self.first_pane = pane
        self.watching: Watching | None = None  # made once a server has answered
        self.leaving = False
        self.runner: Runner | None = None  # of the plan that is being run from here
        self.found: tuple[Sequence[Finding], str] | None = None  # in the newest plan, and its statement
        self.tree_wanted = False  # in every pane; the schema pane always has it

    def compose(self) -> ComposeResult:
        yield TopBar(self.target)
        with Row(id="panes-line"):
            yield PaneTabs(panes.PANES)
            yield CostCorner(lambda: self.session.snapshot, self.session.heed_link)
        with Row(id="body"):
            yield ObjectTree(id="browser")
            with ContentSwitcher(id="panes", initial="live"):
                yield panes.make("live", self.session, charts=self.charts)
        yield KeyBar()

    def on_mount(self) -> None:
        self.tree_widget.display = False
        self.tree_widget.set_children((), self.servers)
        self.view("live").focus_main()
        if self.first_pane != self.pane:
            self.call_after_refresh(self.open_pane, self.first_pane)
        self.session.start()

    async def on_unmount(self) -> None:
        self.leave()
        if self.runner is not None:
            await import_module("dbtui.tui.migrating").finish(self)
        if (advising := sys.modules.get("dbtui.tui.advising")) is not None:
            await advising.finish(self)
        await self.session.stop()

    def leave(self) -> None:
        """Draw nothing any more: what would be drawn into is taken away before `on_unmount` comes."""
        self.leaving = True
        self.workers.cancel_node(self)

    # snapshots

    def _hand_over(self, snapshot: Snapshot) -> None:
        self.post_message(SnapshotTaken(snapshot))

    @on(SnapshotTaken)
    def _taken(self, event: SnapshotTaken) -> None:
        event.stop()
        self.snapshot = event.snapshot

    def watch_snapshot(self, before: Snapshot | None, snapshot: Snapshot | None) -> None:
        if snapshot is None or not self.is_mounted or self.leaving:
            return
        if snapshot.server is None and snapshot.link in (Link.LOST, Link.CLOSED):
            self.post_message(GaveUp(self.target.name, snapshot.trouble))
            return
        news = self.watching.take(snapshot) if self.watching is not None else ()
        if news and self.session.player is None:  # what is played happened long ago
            self.run_worker(import_module("dbtui.tui.alarm").tell(self, news), group="alarm")
        self.show_top_bar()
        self.call_later(self._show_newest)
        if snapshot.link is Link.LIVE and (before is None or before.link is not Link.LIVE):
            self.run_worker(asyncio.to_thread(self._warm_up), group="warm-up", exclusive=True)
            database = snapshot.server.database if snapshot.server else ""
            self.tree_widget.unfold((self.target.name, database))

    async def _show_newest(self) -> None:
        """Draw the newest snapshot, unless an older one is looked at; first, the keys that came meanwhile."""
        await asyncio.sleep(0)
        if self.snapshot is not None and self.past.snapshot is None and not self.leaving:
            self._show(self.snapshot)

    def _show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot in the pane that is open, and what is said of the server."""
        self.current.show(snapshot)
        if self.watching is not None:
            past = self.past.snapshot
            self.current.show_watch(self.watching.said if past is None else self.watching.of_past(past))

    def _warm_up(self) -> None:
        """Import, beside the keys, what the first wish would have to wait for."""
        if self.watching is None:
            self.watching = import_module("dbtui.tui.watching").Watching(self.engine.name)
            if self.watching.troubles:
                self.app.call_from_thread(self.say, "\n".join(self.watching.troubles), "warning")
        import_module("dbtui.tui.tasks")
        for part in ("catalog", "query", "explain"):
            getattr(self.engine, part)

    @on(CostCorner.Measured)
    def _measured(self, event: CostCorner.Measured) -> None:
        event.stop()
        live = cast("LiveView", self.view("live"))
        live.show_cost(*(("", Role.MUTED) if self.size.width >= WIDE else event.piece))

    def show_top_bar(self) -> None:
        """Draw the top bar anew, for example after a lift."""
        if self.snapshot is not None:
            moment = self.past.label(self.snapshot.at)
            if not moment and self.session.player is not None:
                moment = f"replay {clock(self.snapshot.at)}{', the end' if self.session.player.over else ''}"
            bar = self.query_one(TopBar)
            bar.notice = self.watching.notice() if self.watching is not None else ()
            bar.show(self.snapshot, self.session.lift, moment)

    def _begin(self, task: str, *arguments: object, replaces: bool = True, **more: object) -> None:
        """Start a task, `module.function` in `dbtui.tui`; it replaces the same one that still runs."""
        module, _, function = task.partition(".")
        begun = getattr(import_module(f"dbtui.tui.{module}"), function)(self, *arguments, **more)
        self.run_worker(begun, group=task, exclusive=replaces)

    # panes

    def view(self, pane: str) -> View:
        return self.query_one(f"#{pane}", View)

    @property
    def current(self) -> View:
        return self.view(self.pane)

    async def open_pane(self, pane: str) -> View:
        """Show a pane, made on the first visit, and focus what one works with there."""
        self.maximized = None  # a zoomed box would hide it
        switcher = self.query_one("#panes", ContentSwitcher)
        if not switcher.query(f"#{pane}"):
            await switcher.mount(panes.make(pane, self.session, charts=self.charts))
        switcher.current = pane
        self.pane = pane
        self.query_one(PaneTabs).active = pane
        self.tree_widget.display = self.tree_wanted or pane == "schema"
        if pane == "schema":
            self.tree_widget.focus()
        else:
            self.current.focus_main()
        if (shown := self.past.snapshot or self.snapshot) is not None:
            self._show(shown)
        if pane == "findings" and self.found is not None:
            cast("FindingsView", self.current).show_findings(*self.found)
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
            self._begin("tasks.detail", event.node, still=0.15)

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
        self._begin("tasks.detail", event.node)

    # The schema pane's keys work on the tree as well, which stands beside it.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("scrub", "present"):
            return self.pane != "schema" and (action != "present" or self.past.snapshot is not None)
        return self.pane == "schema" if action.startswith("schema_") else True

    @property
    def schema(self) -> SchemaView:
        return cast("SchemaView", self.view("schema"))

    def action_schema_rows(self) -> None:
        if self.schema.node is not None and self.schema.node.kind in RELATIONS:
            self.post_message(SampleRows(self.schema.node))

    def action_schema_maintain(self, what: str) -> None:
        self._begin("upkeep.maintain", what)

    def action_schema_tab(self, step: int) -> None:
        self.schema.turn_tab(step)

    def action_schema_copy(self) -> None:
        if self.schema.detail is not None and self.schema.detail.ddl:
            self.post_message(Copy(self.schema.detail.ddl, self.engine.nouns.definition))

    def action_find(self) -> None:
        self._begin("tasks.find")

    # wishes

    @on(Wish)
    def _wish(self, event: Wish) -> None:
        event.stop()
        self._begin(event.task, event, replaces=event.replaces)

    def action_lift(self) -> None:
        self._begin("tasks.lift")

    # the past

    def action_scrub(self, samples: int, seconds: int = 0) -> None:
        """Show the moment that many samples, or seconds, later; below zero an earlier one."""
        player = self.session.player
        if self.past.snapshot is None and player is not None and samples + seconds > 0:
            player.skip(samples or max(1, round(seconds / max(0.1, self.session.snapshot.interval))))
        elif not self.past.move(self.session.snapshot.at, samples, seconds):
            self.say("nothing earlier is kept", "information")
        else:
            self._show_moment()

    def action_present(self) -> None:
        """Show the newest moment again."""
        self.past.leave()
        self._show_moment()

    def _show_moment(self) -> None:
        if (shown := self.past.snapshot or self.snapshot) is not None:
            self._show(shown)
        self.show_top_bar()
        self.refresh_bindings()

    def action_hand_over(self) -> None:
        self._begin("handing.hand_over")

    # the rest

    def say(self, message: str, severity: SeverityLevel) -> None:
        """A toast; server text in it is shown as it is, its first lines alone where it is long."""
        shown = text.printable(text.beginning(message, SAID), keep_newlines=True)
        self.notify(shown, severity=severity, markup=False, timeout=6)

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
