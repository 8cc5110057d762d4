"""The fleet: several servers at once, from the command line and from the picker; Enter jumps in, and back."""

from __future__ import annotations

from dbtui.config import Saved, Target, save
from dbtui.model.server import Environment
from dbtui.tui.app import DbtuiApp, Options
from dbtui.tui.screens.fleet import FleetScreen
from dbtui.tui.screens.main import MainScreen
from dbtui.tui.widgets.grid import Grid
from tests.servers.postgres import PostgresServer
from tests.tui.console import Console, console, text_of


def cells(c: Console, name: str) -> list[str]:
    grid = c.app.screen.query_one(Grid)
    return next(([text_of(cell) for cell in row.cells] for row in grid.rows if row.key == name), [])


async def test_enter_jumps_in_and_ctrl_o_comes_back(postgres18: PostgresServer) -> None:
    good = Target("good", "postgresql", postgres18.url(), Environment.PRODUCTION)
    gone = Target("gone", "postgresql", "postgresql://x@127.0.0.1:1/x", Environment.STAGING)
    app = DbtuiApp(None, Options(interval=0.3), fleet=(good, gone))
    async with app.run_test(size=(120, 40)) as pilot:
        c = Console(app, pilot)
        await c.until(lambda: isinstance(app.screen, FleetScreen))
        await c.sees("1 of 2 need help", "prod")
        await c.until(lambda: cells(c, "good")[3:5] == ["0", "0"])
        assert cells(c, "gone")[9].startswith("nothing listens")
        assert app.screen.query_one(Grid).rows[0].key == "gone", "the ailing first"
        await c.press("down", "enter")
        await c.connected()
        await c.press("ctrl+o")
        await c.until(lambda: isinstance(app.screen, FleetScreen))
        await c.press("home", "enter")  # it cannot be reached
        await c.hears("nothing listens")
        await c.until(lambda: isinstance(app.screen, FleetScreen))
        app.exit()


async def test_all_that_the_picker_lists_can_be_watched(postgres18: PostgresServer) -> None:
    save(Saved("orders-eu", postgres18.url(), Environment.DEVELOPMENT))
    save(Saved("orders-us", postgres18.url("template1"), Environment.DEVELOPMENT))
    save(Saved("users", "postgresql://x@127.0.0.1:1/x"))
    async with console(None, wait=False) as c:
        await c.sees("orders-eu", "users")
        await c.type("orders")
        await c.sees_no_more("users")
        await c.press("ctrl+t")
        await c.until(lambda: isinstance(c.app.screen, FleetScreen))
        await c.sees("2 are well")
        await c.press("enter")
        await c.until(lambda: isinstance(c.app.screen, MainScreen))
