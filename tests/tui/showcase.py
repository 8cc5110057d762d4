"""An app with one of every widget, for tests: fed with given texts, moved on by a key.

Run as a program it shows a live screen of fixed contents whose next moment comes with `t`.
"""

from __future__ import annotations

import math
import sys
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal

from dbtui.config import Target
from dbtui.model.activity import Activity
from dbtui.model.catalog import Kind, Node
from dbtui.model.plan import Plan, PlanNode
from dbtui.model.server import Environment, Server
from dbtui.model.snapshot import Link, Section, Snapshot
from dbtui.text import one_line
from dbtui.tui.themes import load_themes
from dbtui.tui.widgets.chart import Chart
from dbtui.tui.widgets.grid import Grid, GridColumn, GridRow
from dbtui.tui.widgets.object_tree import ObjectTree
from dbtui.tui.widgets.plan_tree import PlanTree
from dbtui.tui.widgets.roles import Role
from dbtui.tui.widgets.sql_area import SqlArea
from dbtui.tui.widgets.status import KeyBar, TopBar

COLUMNS = (
    GridColumn("id", "PID", 8, "right", 100),
    GridColumn("user", "User", 10, "left", 60),
    GridColumn("database", "Database", 10, "left", 40),
    GridColumn("state", "State", 11, "left", 80),
    GridColumn("wait", "Wait", 18, "left", 70),
    GridColumn("xact", "Xact age", 9, "right", 55),
    GridColumn("age", "Age", 9, "right", 90),
    GridColumn("query", "Query", None, "left", 95),
)
STATEMENTS = (
    "SELECT * FROM orders WHERE customer_id = $1 FOR UPDATE",
    "UPDATE inventory SET qty = qty - 1 WHERE sku = $1",
)


def clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def live_rows(moment: int, count: int = 41, changing: int = 20) -> list[GridRow]:
    """Sessions of which the first `changing` have three cells that differ from moment to moment."""
    made = []
    for number in range(count):
        at = moment if number < changing else 0
        age = clock(3600 - number * 60 + at)
        wait = ("IO:WALSync" if at % 2 else "IO:DataFileRead", Role.MUTED)
        cells = (
            str(48000 + number),
            "app_rw",
            "orders",
            "active",
            wait,
            age,
            (age, Role.WARN),
            STATEMENTS[number % 2],
        )
        made.append(GridRow(str(number), cells))
    return made


def snapshot_at(now: float, server_text: str = "PostgreSQL") -> Snapshot:
    server = Server(server_text, "18.6", 180006, "primary", "db-01:5432", "orders", "me")
    return Snapshot(
        at=now, link=Link.LIVE, server=server, activity=Section(Activity((), 1, 200), taken_at=now)
    )


class LiveScreen(App[None]):
    """The sketch of a live screen: four charts, a grid, two bars."""

    CSS = "#charts { height: 5; } #charts Chart { width: 1fr; }"
    BINDINGS: ClassVar = [Binding("t", "tick", "Tick"), Binding("q", "quit", "Quit", id="app.quit")]

    def __init__(self) -> None:
        super().__init__()
        self.animation_level = "none"
        self.moment = 0

    def compose(self) -> ComposeResult:
        target = Target("prod-orders", "postgresql", "postgresql://", environment=Environment.PRODUCTION)
        yield TopBar(target, clock=lambda: 1000.0 + self.moment)
        with Horizontal(id="charts"):
            for name in ("Transactions/s", "Cache hit", "Sessions", "Replica lag"):
                yield Chart(name)
        yield Grid(COLUMNS, id="sessions", empty="no session is active")
        yield KeyBar()

    def on_mount(self) -> None:
        load_themes(self)
        self.theme = "dbtui-night"
        self.query_one(Grid).focus()
        self.action_tick()

    def action_tick(self) -> None:
        self.moment += 1
        at = self.moment
        for number, chart in enumerate(self.query(Chart)):
            series = [50 + 40 * math.sin((at + n) / (5 + number)) for n in range(60)]
            chart.set_series(series, f"{series[-1]:.1f}", Role.ACCENT)
        grid = self.query_one(Grid)
        grid.sort_column, grid.sort_reverse = "age", True
        grid.set_rows(live_rows(at))
        grid.set_title("Sessions", "blocked 2, root 48102", Role.BAD)
        grid.set_subtitle("41 of 41 · sort: age ↓")
        self.query_one(TopBar).show(snapshot_at(1000.0 + at), None)


class Showcase(App[None]):
    """Every widget, each showing the same text wherever it takes text."""

    CSS = "ObjectTree { width: 40; } SqlArea { height: 6; } Chart { width: 30; } #row { height: 1fr; }"

    def __init__(self, said: str) -> None:
        super().__init__()
        self.said = said
        self.rang = 0

    def bell(self) -> None:
        self.rang += 1

    def compose(self) -> ComposeResult:
        said = self.said
        yield TopBar(Target(said, "postgresql", "postgresql://", colour=said), clock=lambda: 1000.0)
        with Horizontal(id="row"):
            yield ObjectTree(title=said)
            yield Chart(said, id="chart")
        yield Grid((GridColumn("a", said, 20), GridColumn("b", said, None, "right")), id="grid", empty=said)
        yield Grid((GridColumn("a", "A", None),), id="empty", empty=said)
        yield PlanTree()
        yield SqlArea(said)
        yield KeyBar()

    def on_mount(self) -> None:
        said = self.said
        self.query_one(TopBar).show(snapshot_at(1000.0, said), None)
        self.query_one(Chart).set_series([1.0, None, 2.0], said, Role.WARN)
        grid = self.query_one("#grid", Grid)
        grid.set_rows([GridRow(str(n), (said, (said, Role.BAD)), marked=n == 1) for n in range(3)])
        grid.set_title(said, said)
        grid.set_subtitle(said)
        self._fill_tree(said)
        nodes = (
            PlanNode(0, None, 0, said, said, estimated_rows=1, rows=500, loops=1, self_ms=1.0),
            PlanNode(1, 0, 1, said, said, loops=0, subplan=said),
        )
        plan = Plan("postgres-json", nodes, "", total_ms=1.0, self_sum_ms=1.0, notes=(said,))
        self.query_one(PlanTree).set_plan(plan)
        self.notify(one_line(said, 200), title=one_line(said, 40), markup=False)
        grid.focus()

    def _fill_tree(self, said: str) -> None:
        tree = self.query_one(ObjectTree)
        tree.set_children(
            (),
            [
                Node(Kind.DATABASE, said, (said,), detail=said, size=5, note=said),
                Node(Kind.DATABASE, "b", ("b",)),
            ],
        )
        tree.reveal((said, "x"))
        tree.failed((said,), said)


if __name__ == "__main__":
    (LiveScreen() if len(sys.argv) < 2 else Showcase(sys.argv[1].encode().decode("unicode_escape"))).run()
