"""What the health pane and the fleet look like, cell for cell."""

from __future__ import annotations

import time
from dataclasses import replace
from unittest.mock import patch

import pytest

from dbtui.config import Target
from dbtui.live.fleet import Line
from dbtui.model.activity import Health, Progress, Replica, Slot, Worn
from dbtui.model.finding import Finding, Severity
from dbtui.model.server import Environment
from dbtui.model.snapshot import Link, Section, Snapshot
from dbtui.tui.screens.fleet import FleetScreen
from dbtui.tui.watching import Watching
from dbtui.tui.widgets.grid import Grid
from tests.tui.golden import assert_golden
from tests.tui.recorded import NOW, SNAPSHOT, recorded

SIZES = {"120": (120, 40), "80": (80, 24)}


def moment(after: float) -> Snapshot:
    """The recorded server, unwell, some seconds later."""
    health = Health(
        replicas=(
            Replica("east", "10.0.7.2", "streaming", 81_920, 0.2),
            Replica("west", "10.0.8.2", "catchup", 3 * 2**30, 94.0),
        ),
        progress=(
            Progress("48555", "CREATE INDEX", "building index: scanning table", "shop.events", 40_000 + 900 * after,
                     400_000, "blocks"),
            Progress("48601", "VACUUM", "scanning heap", "shop.orders", 120_000.0, 150_000.0, "blocks"),
        ),
        slots=(Slot("old_replica", "physical", False, "extended", 44_023_414_784, 22_548_578_304),),
        worn=(Worn("shop.orders", "orders", 48_000_000, 21_000_000, 9_600_050, 86_400.0, None),),
    )  # fmt: skip
    counters = {"max_connections": 200.0, "wal_bytes": 3_145_728.0 * after}
    return replace(
        SNAPSHOT,
        at=NOW + after,
        activity=replace(SNAPSHOT.activity, taken_at=NOW + after),
        counters=Section(counters, NOW + after),
        health=Section(health, NOW + after),
    )


@pytest.mark.parametrize("size", SIZES)
async def test_the_health_pane(size: str) -> None:
    async with recorded(SIZES[size], None) as c:
        c.main.watching = Watching("postgres")
        for after in (0.0, 30.0, 60.0):
            c.main.snapshot = moment(after)
            await c.settle()
        await c.press("9")
        await c.sees("old_replica", "CREATE INDEX")
        await c.still()
        assert_golden(c.app, f"console/health-{size}")


def _line(name: str, environment: Environment, **more: object) -> Line:
    facts = {
        "product": "PostgreSQL", "version": "18.6", "role": "primary", "load": 3.0, "waiting": 0.0, "connections": 61,
        "limit": 97, "lag": 0.2, "errors": 0.4, "taken_at": NOW - 1,
    }  # fmt: skip
    return Line(
        Target(name, "postgresql", f"postgresql://{name}/x", environment), Link.LIVE, "", **facts | more
    )  # type: ignore[arg-type]


BLOCKED = Finding(
    "any-blocked-sessions",
    Severity.ERROR,
    "7 wait behind session 48102, idle in a transaction for 00:03:20 (app_rw · checkout)",
)
FULL = Finding(
    "any-connections-scarce", Severity.WARNING, "88 of 97 connections are taken, 61 of them by metabase"
)
LINES = (
    _line("orders-eu", Environment.PRODUCTION, waiting=7.0, longest=192.0, findings=(BLOCKED,)),
    _line("orders-us", Environment.PRODUCTION),
    _line("users", Environment.STAGING, product="MySQL", version="9.1", lag=None, findings=(FULL,), connections=88),
    _line("carts", Environment.DEVELOPMENT, product="Valkey", version="9.0", lag=41.0, limit=10_000, taken_at=NOW - 42),
    replace(
        _line("archive", Environment.PRODUCTION, load=None, waiting=None, connections=None, lag=None, errors=None,
              taken_at=None, product="", version=""),
        link=Link.LOST, trouble="the server has not answered for 12 s",
    ),
)  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
async def test_the_fleet(size: str) -> None:
    async with recorded(SIZES[size], None) as c:
        with (
            patch("dbtui.live.fleet.Fleet.start", lambda _self: None),
            patch.object(time, "time", lambda: NOW),
        ):
            screen = FleetScreen(())
            with patch("dbtui.live.fleet.Fleet.lines", LINES):
                c.app.push_screen(screen)
                await c.until(lambda: any(grid.rows for grid in screen.query(Grid)))
                await c.still()
                assert_golden(c.app, f"console/fleet-{size}")
