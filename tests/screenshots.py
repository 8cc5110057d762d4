"""Draws the pictures of the README from the real console on the demo: `python -m tests.screenshots [PANE …]`, or with
`engines` the panes of the other engines on the demo's other servers.

Each pane gives an SVG as Textual exports it and a PNG. The PNG goes through cairosvg, which gets one explicit
position per glyph and a cell of exactly 12x24 pixels: otherwise borders and bar charts show seams.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from html import unescape
from pathlib import Path

import cairosvg
from rich.cells import cell_len
from textual.pilot import Pilot

from dbtui.demo import Demo
from dbtui.tui.app import DbtuiApp, Options
from dbtui.tui.messages import Advise, PlanChange
from tests.demo.neighbourhood import running

FOLDER = Path(__file__).parent.parent / "screenshots"
CELL = 12.2  # width of a cell in Textual's SVG
TEXT = re.compile(
    r'<text class="([^"]*)" x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+"([^>]*)>([^<]*)</text>'
)
Step = Callable[[Pilot[int]], Awaitable[None]]


def sharp(svg: str) -> str:
    """The SVG with a position for each glyph and the font a little larger, so that cells touch."""

    def placed(match: re.Match[str]) -> str:
        css, x, y, more, content = match.groups()
        at, positions = float(x), []
        for character in unescape(content):
            positions.append(f"{at:.1f}")
            at += CELL * cell_len(character)
        return f'<text class="{css}" x="{" ".join(positions)}" y="{y}"{more}>{content}</text>'

    return TEXT.sub(placed, svg).replace("font-size: 20px", "font-size: 20.4px")


def save(app: DbtuiApp, name: str) -> None:
    svg = app.export_screenshot(title="dbtui", simplify=True)
    (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
    cairosvg.svg2png(bytestring=sharp(svg).encode(), write_to=str(FOLDER / f"{name}.png"), scale=12 / CELL)
    print(f"screenshots/{name}.png", flush=True)


async def until(pilot: Pilot[int], what: Callable[[], object], seconds: float = 60.0) -> None:
    """Let the console run until something is to be seen."""
    for _ in range(int(seconds / 0.2)):
        if what():
            return
        await pilot.pause(0.2)
    raise TimeoutError("the console never came to show what the picture is of")


def screen_text(app: DbtuiApp) -> str:
    return app.export_screenshot(simplify=True).replace("&#160;", " ")


async def live(pilot: Pilot[int]) -> None:
    await pilot.press("1")
    await pilot.pause(25)  # until the charts have something to show
    await until(
        pilot,
        lambda: re.search(r"blocked [3-9] · root \d+ · longest 00:00:[01][4-9]", screen_text(pilot.app)),
        150,
    )


async def statements(pilot: Pilot[int]) -> None:
    await pilot.press("2")
    await pilot.pause(15)


async def schema(pilot: Pilot[int]) -> None:
    await pilot.press("3")
    await pilot.press("f")
    await pilot.pause(1.5)
    await pilot.press(*"orders")
    await pilot.pause(0.5)
    await pilot.press("enter")
    await pilot.pause(2)


async def query(pilot: Pilot[int]) -> None:
    from dbtui.tui.views.query import QueryView

    await pilot.press("4")
    await pilot.pause(0.3)
    view = pilot.app.screen.query_one(QueryView)
    view.load(
        "-- what sold best this month\n"
        "SELECT p.name, sum(i.quantity) AS sold, round(sum(i.quantity * i.unit_price), 2) AS revenue\n"
        "FROM shop.order_items i\nJOIN shop.products p ON p.id = i.product_id\n"
        "GROUP BY p.name\nORDER BY revenue DESC\nLIMIT 100",
        "",
    )
    await pilot.press("ctrl+r")
    await pilot.pause(4)


async def plan(pilot: Pilot[int]) -> None:
    await query(pilot)
    await pilot.press("ctrl+g")
    await pilot.pause(3)
    await pilot.press("a")
    await pilot.pause(1)
    await pilot.press(*"run", "enter")
    await pilot.pause(5)
    await pilot.press("j", "j", "j")
    await pilot.pause(1)


async def findings(pilot: Pilot[int]) -> None:
    await plan(pilot)
    await pilot.press("6")
    await pilot.pause(1)


async def migrate(pilot: Pilot[int]) -> None:
    pilot.app.screen.post_message(
        PlanChange(
            "ALTER TABLE shop.customers ALTER COLUMN phone SET NOT NULL;\n"
            "ALTER TABLE shop.reviews ADD FOREIGN KEY (customer_id) REFERENCES shop.customers;\n"
            "CREATE INDEX ON shop.reviews (created_at);\n"
            "ALTER TABLE shop.addresses DROP COLUMN kind;"
        )
    )
    await pilot.pause(8)
    await pilot.press("escape")
    await pilot.pause(1)


async def advise(pilot: Pilot[int]) -> None:
    pilot.app.screen.post_message(
        Advise(
            "SELECT rating, title FROM shop.reviews\n"
            "WHERE customer_id = 4711 AND created_at > now() - interval '90 days'\n"
            "ORDER BY created_at DESC LIMIT 20"
        )
    )
    await until(pilot, lambda: "CREATE INDEX" in screen_text(pilot.app), 60)
    await pilot.pause(2)


async def health(pilot: Pilot[int]) -> None:
    await pilot.press("escape", "9")
    await pilot.pause(3)


STEPS: dict[str, Step] = {
    "live": live, "statements": statements, "schema": schema, "query": query, "plan": plan,
    "findings": findings, "migrate": migrate, "advise": advise, "health": health,
}  # fmt: skip


async def draw(names: list[str]) -> None:
    with Demo() as target:
        for size, suffix in (((120, 40), ""), ((80, 24), "-80x24")):
            app = DbtuiApp(target, Options(interval=1.0))
            async with app.run_test(size=size) as pilot:
                await pilot.pause(6)
                for name in names:
                    if suffix and name != "live":
                        continue
                    await STEPS[name](pilot)
                    save(app, name + suffix)


async def engine_live(pilot: Pilot[int], engine: str) -> None:
    """With what is worth a look: who waits for whom, and where nobody is busy those that are idle."""
    await pilot.press("1")
    await pilot.pause(20)
    if engine in BUSY:
        await until(pilot, lambda: BUSY[engine] in screen_text(pilot.app), 60)
    elif engine == "mongodb":
        await pilot.press("i")
        await pilot.pause(2)


async def engine_browse(pilot: Pilot[int], engine: str) -> None:
    """Down the tree to the first object with facts of its own."""
    await pilot.press("3")
    for key in BROWSED.get(engine, ("j", "right", "j", "right", "j", "right", "j")):
        await pilot.press(key)
        await pilot.pause(1)


async def engine_plan(pilot: Pilot[int], engine: str) -> None:
    """The plan of a typed statement, or what the engine has instead of plans."""
    from dbtui.tui.views.query import QueryView

    if engine in PLANNED:
        await pilot.press("4")
        await pilot.pause(0.3)
        pilot.app.screen.query_one(QueryView).load(PLANNED[engine], "")
        await pilot.press("ctrl+g")
        await pilot.pause(3)
    if engine == "elasticsearch":  # there is no plan but of what was run
        await pilot.press("a")
        await pilot.pause(1)
        await pilot.press(*"run", "enter")
        await pilot.pause(3)
    await pilot.press("5")
    await pilot.pause(1)


BUSY = {"mysql": "blocked"}
BROWSED = {"elasticsearch": ("j", "right", "end")}
PLANNED = {
    "redis": "HGETALL cart:10",
    "mysql": "select a.name, sum(b.amount) from booking b join account a on a.id = b.account\n"
    "where b.note like '%9%' group by a.id order by 2 desc limit 10",
    "sqlite": "select p.name, sum(s.pieces * p.price) from sale s join product p on p.id = s.product\n"
    "group by p.id order by 2 desc limit 10",
    "mongodb": "db.products.find({tags: 't3', price: {$gt: 40}}).sort({price: -1}).limit(10)",
    "elasticsearch": 'GET /products/_search\n{"query": {"match": {"name": "lamp"}}, "size": 10}',
}


async def draw_engines() -> None:
    """<engine>-live, -browse and -plan, of the demo's other servers."""
    with running() as targets:
        for engine, target in targets.items():
            app = DbtuiApp(target, Options(interval=1.0))
            async with app.run_test(size=(120, 40)) as pilot:
                await pilot.pause(6)
                await engine_live(pilot, engine)
                save(app, f"{engine}-live")
                await engine_browse(pilot, engine)
                save(app, f"{engine}-browse")
                await engine_plan(pilot, engine)
                save(app, f"{engine}-plan")


def main() -> None:
    if sys.argv[1:] == ["engines"]:
        FOLDER.mkdir(exist_ok=True)
        asyncio.run(draw_engines())
        return
    names = sys.argv[1:] or list(STEPS)
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        sys.exit(f"no picture is called {unknown[0]}: {', '.join(STEPS)}")
    FOLDER.mkdir(exist_ok=True)
    asyncio.run(draw(names))
    if not sys.argv[1:]:
        asyncio.run(draw_engines())


if __name__ == "__main__":
    main()
