"""The two bars: what they say at each width, and when."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import Input

from dbtui.config import Target
from dbtui.live.session import Lift
from dbtui.model.server import Environment
from dbtui.model.snapshot import Link, Snapshot
from dbtui.tui.widgets.status import KeyBar, TopBar
from tests.tui.golden import screen_text
from tests.tui.showcase import snapshot_at

NOW = 1_000_000.0


class Bars(App[None]):
    BINDINGS: ClassVar = [
        Binding("x", "work", "Cancel"),
        Binding("X", "off", "Terminate"),
        Binding("slash,f", "filter", "Filter"),
        Binding("z", "hidden", "Hidden", show=False),
        Binding("q,ctrl+q", "quit", "Quit", id="app.quit"),
        Binding("question_mark", "help", "Help", id="app.help"),
    ]

    def __init__(self, **target: object) -> None:
        super().__init__()
        self.now = NOW
        self.target = Target("prod-orders", "postgresql", "postgresql://", **target)  # type: ignore[arg-type]
        self.worked = 0

    def compose(self) -> ComposeResult:
        yield TopBar(self.target, clock=lambda: self.now)
        yield Input()
        yield KeyBar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "off" else True

    def action_work(self) -> None:
        self.worked += 1

    def show(self, snapshot: Snapshot, lift: Lift | None = None) -> None:
        self.query_one(TopBar).show(snapshot, lift)

    def line(self, number: int = 0) -> str:
        return screen_text(self).splitlines()[number].strip()


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (
            120,
            "dbtui ● prod-orders production  PostgreSQL 18.6 · primary · db-01:5432/orders"
            "           READ-ONLY  0 s ago · every 2 s",
        ),
        (80, "dbtui ● prod-orders prod  PG 18.6 · primary · db-01:5432/orders    RO  0 s/2 s"),
        (40, "dbtui ● prod-orders prod   RO  0 s/2 s"),
    ],
)
async def test_top_bar(width: int, line: str) -> None:
    app = Bars()
    async with app.run_test(size=(width, 5)) as pilot:
        app.show(snapshot_at(NOW))
        await pilot.pause()
        assert app.line() == line


@pytest.mark.parametrize(("width", "product"), [(120, "PostgreSQL 18.6"), (80, "PG 18.6")])
async def test_a_long_name_leaves_room_for_the_product(width: int, product: str) -> None:
    app = Bars()
    app.target = dataclasses.replace(
        app.target, name="/var/run/somewhere/far/below/documents/ferret.sock/catalogue"
    )
    async with app.run_test(size=(width, 5)) as pilot:
        app.show(snapshot_at(NOW))
        await pilot.pause()
        assert "…" in app.line() and product in app.line()


async def test_what_the_top_bar_says_of_the_data() -> None:
    app = Bars(environment=Environment.STAGING)
    live = snapshot_at(NOW)
    async with app.run_test(size=(120, 5)) as pilot:
        assert "connecting…" in app.line()
        assert "staging" in app.line()

        async def said(snapshot: Snapshot) -> str:
            app.show(snapshot)
            await pilot.pause()
            return app.line()

        assert (await said(live)).endswith("0 s ago · every 2 s")
        app.now = NOW + 4
        assert (await said(live)).endswith("READ-ONLY  4 s ago · every 2 s")
        app.now = NOW + 6
        assert (await said(live)).endswith("▲ 6 s ago · every 2 s")
        lost = dataclasses.replace(live, link=Link.LOST, next_try=NOW + 9)
        assert (await said(lost)).endswith("▲ lost 6 s ago, again in 3 s")
        assert (await said(dataclasses.replace(live, paused=True))).endswith("PAUSED 6 s ago")
        assert (await said(dataclasses.replace(live, activity=type(live.activity)()))).endswith(
            "no data yet · every 2 s"
        )


async def test_a_lift_counts_down_and_falls_back() -> None:
    app = Bars()
    lift = Lift("me", "why", NOW + 552, once=False)
    async with app.run_test(size=(120, 5)) as pilot:
        app.show(snapshot_at(NOW), lift)
        await pilot.pause()
        assert "▲ LIFTED 09:12" in app.line()
        app.now = NOW + 600
        app.query_one(TopBar).draw()
        await pilot.pause()
        assert "READ-ONLY" in app.line()
        assert "LIFTED" not in app.line()


async def test_a_connection_that_may_write_says_so() -> None:
    app = Bars(read_only=False)
    async with app.run_test(size=(120, 5)) as pilot:
        app.show(snapshot_at(NOW))
        await pilot.pause()
        assert "WRITABLE" in app.line()


async def test_production_tints_the_bar() -> None:
    app, other = Bars(), Bars(environment=Environment.DEVELOPMENT)
    async with app.run_test():
        tinted = app.query_one(TopBar).background_colors[1]
    async with other.run_test():
        plain = other.query_one(TopBar).background_colors[1]
    assert tinted != plain


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (60, "x Cancel  X Terminate  / Filter            ? Help  q Quit"),
        (40, "x Cancel  X Terminate  ? Help  q Quit"),
        (34, "x Cancel         ? Help  q Quit"),
        (20, "? Help  q Quit"),
    ],
)
async def test_key_bar(width: int, line: str) -> None:
    app = Bars()
    async with app.run_test(size=(width, 5)) as pilot:
        app.set_focus(None)
        await pilot.pause()
        assert app.line(-1) == line


async def test_key_bar_greys_what_cannot_work_and_obeys_a_click() -> None:
    app = Bars()
    async with app.run_test(size=(60, 5)) as pilot:
        app.set_focus(None)
        await pilot.pause()
        bar = app.query_one(KeyBar)
        assert [key.enabled for key in bar.shown if key.label in ("Cancel", "Terminate")] == [True, False]
        await pilot.click(KeyBar, offset=(2, 0))
        assert app.worked == 1


async def test_key_bar_is_sent_only_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Bars()
    async with app.run_test(size=(60, 5)) as pilot:
        app.set_focus(None)
        await pilot.pause()
        sent: list[object] = []
        monkeypatch.setattr(KeyBar, "refresh", lambda self, *regions, **kwargs: sent.append(regions))
        app.refresh_bindings()
        await pilot.pause()
        assert sent == []
