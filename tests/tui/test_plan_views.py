"""The icicle, and two plans side by side, cell for cell."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.screen import Screen

import dbtui.tui.app
from dbtui.plans import parse
from dbtui.plans.compare import compare
from dbtui.plans.history import as_kept
from dbtui.rules.plan.why import why_each
from dbtui.tui.screens.compare import CompareScreen
from dbtui.tui.screens.open_plan import OpenPlanScreen
from dbtui.tui.screens.rules import RulesScreen
from dbtui.tui.widgets.icicle import Icicle
from dbtui.tui.widgets.plan_comparison import PlanComparison
from tests.tui.golden import assert_golden, screen_text

BEFORE = """\
Limit  (cost=0.00..704.00 rows=5 width=8) (actual time=0.000..90.000 rows=5 loops=1)
  Buffers: shared hit=100 read=120
  ->  Sort  (cost=0.00..704.00 rows=429 width=8) (actual time=0.000..90.000 rows=5 loops=1)
        Buffers: shared hit=100 read=120
        ->  Hash Join  (cost=0.00..680.00 rows=429 width=8) (actual time=0.000..80.000 rows=429 loops=1)
              Buffers: shared hit=100 read=120
              ->  Seq Scan on orders o  (cost=0..567 rows=17400 width=8) (actual time=0..60 rows=17400 loops=1)
                    Buffers: shared hit=90 read=100
              ->  Hash  (cost=0.00..62.00 rows=3 width=8) (actual time=0.000..5.000 rows=3 loops=1)
                    Buffers: shared hit=10 read=20
                    ->  Seq Scan on customers c  (cost=0.00..62.00 rows=3 width=8) (actual time=0.0..4.0 rows=3 loops=1)
                          Buffers: shared hit=10 read=20
Execution Time: 91.000 ms
"""
AFTER = """\
Limit  (cost=0.00..104.00 rows=5 width=8) (actual time=0.000..9.000 rows=5 loops=1)
  Buffers: shared hit=50
  ->  Sort  (cost=0.00..104.00 rows=429 width=8) (actual time=0.000..9.000 rows=5 loops=1)
        Buffers: shared hit=50
        ->  Nested Loop  (cost=0.00..80.00 rows=429 width=8) (actual time=0.000..8.000 rows=429 loops=1)
              Buffers: shared hit=50
              ->  Seq Scan on customers c  (cost=0.00..62.00 rows=3 width=8) (actual time=0.0..4.0 rows=3 loops=1)
                    Buffers: shared hit=30
              ->  Index Scan using o_cid on orders o  (cost=0..2 rows=143 width=8) (actual time=0..1 rows=143 loops=3)
                    Buffers: shared hit=20
Execution Time: 9.100 ms
"""


class OneWidget(App[None]):
    def __init__(self, widget: Icicle | PlanComparison) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        self.widget.focus()


@pytest.mark.parametrize("width", [120, 80, 40])
async def test_the_icicle(width: int) -> None:
    icicle = Icicle()
    app = OneWidget(icicle)
    async with app.run_test(size=(width, 10)) as pilot:
        icicle.set_plan(parse(BEFORE))
        await pilot.press("down", "down")
        await pilot.pause()
        assert icicle.cursor_node is not None and icicle.cursor_node.operation == "Hash Join"
        assert_golden(app, f"icicle-{width}")
        await pilot.press("down", "right")
        assert icicle.cursor_node.operation == "Hash"
        await pilot.press("right", "left", "up")
        assert icicle.cursor_node.operation == "Hash Join"


@pytest.mark.parametrize("width", [140, 80, 40])
async def test_two_plans_side_by_side(width: int) -> None:
    comparison = PlanComparison()
    app = OneWidget(comparison)
    async with app.run_test(size=(width, 12)) as pilot:
        comparison.set_comparison(compare(parse(BEFORE), parse(AFTER)))
        await pilot.pause()
        assert_golden(app, f"plan_comparison-{width}")
        assert "Nested Loop" in screen_text(app)


class OneScreen(App[None]):
    CSS_PATH = Path(dbtui.tui.app.__file__).parent / "app.tcss"

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self.shown = screen

    def on_mount(self) -> None:
        self.push_screen(self.shown)


@pytest.mark.parametrize("size", [(120, 20), (80, 24)], ids=["120", "80"])
@pytest.mark.parametrize("name", ["compare", "rules", "open_plan"])
async def test_a_dialog_about_plans(
    name: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "localtime", time.gmtime)
    before = replace(as_kept(parse(BEFORE)), taken=1_700_000_000.0)
    made: dict[str, Screen[Any]] = {
        "compare": CompareScreen(parse(AFTER), [before]),
        "rules": RulesScreen(why_each(parse(BEFORE))[:8]),
        "open_plan": OpenPlanScreen(),
    }
    app = OneScreen(made[name])
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert_golden(app, f"dialog-{name}-{size[0]}")
