"""What each pane and dialog looks like, cell for cell, at the sizes people have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from dbtui.config import connections_file
from dbtui.engines.postgres.pools import HIDDEN
from dbtui.live.session import Verb
from dbtui.model.activity import Session, Stakes
from dbtui.model.snapshot import Snapshot
from dbtui.tui.acting import Target as Aim
from dbtui.tui.screens.confirm import LiftQuestion, PasswordQuestion, Question
from dbtui.tui.widgets.grid import Grid
from tests.tui.console import Console, console
from tests.tui.golden import assert_golden
from tests.tui.recorded import (
    LOST,
    MASKED,
    NOBODY,
    QUIET,
    SERVER,
    SESSIONS,
    SHIFTS,
    SNAPSHOT,
    record,
    recorded,
)

SIZES = {"120": (120, 40), "80": (80, 24), "40": (40, 24)}
Steps = Callable[[Console], Awaitable[None]]
QUERY = "-- what was paid this month\nSELECT id, status, total, note\nFROM shop.orders\nWHERE status = 'paid'"


async def live(c: Console) -> None:
    await c.sees("48102")


def seeing(shown: str) -> Steps:
    async def seen(c: Console) -> None:
        await c.sees(shown)

    return seen


async def statements(c: Console) -> None:
    await c.press("2")
    await c.sees("Load")


async def schema(c: Console) -> None:
    await c.press("3")
    await c.until(lambda: c.main.tree_widget.reveal(("prod-orders", "orders", "shop", "orders")))
    if c.app.size.width < 60:  # no room for both
        await c.press("enter")
    await c.sees("customer_id")


async def ddl(c: Console) -> None:
    await schema(c)
    await c.press("right_square_bracket", "right_square_bracket", "right_square_bracket")
    await c.sees("CREATE TABLE")


async def indexes(c: Console) -> None:
    await schema(c)
    await c.press("right_square_bracket")
    await c.sees("orders_half_built")


async def query(c: Console) -> None:
    await c.edit(QUERY)
    await c.press("ctrl+r")
    await c.sees("23 rows")
    c.main.view("query").show_status("23 rows · 4.20 ms")  # type: ignore[attr-defined]
    await c.press("escape")


async def plan(c: Console) -> None:
    await c.edit(QUERY)
    await c.press("ctrl+g")
    await c.sees("Hash Join")


async def measured(c: Console) -> None:
    await plan(c)
    await c.press("a")
    await c.type("run", "enter")
    await c.sees("execution")


async def findings(c: Console) -> None:
    await measured(c)
    await c.press("6")


async def migrate(c: Console) -> None:
    await c.press("7")
    await c.sees("Verdicts")


async def no_plan(c: Console) -> None:
    await c.press("5")
    await c.sees("no plan yet")


async def help_(c: Console) -> None:
    await c.press("question_mark")
    await c.sees("Keys")


async def find(c: Console) -> None:
    await c.press("f")
    await c.sees("Find among")
    await c.type("ord")


async def filter_(c: Console) -> None:
    await c.press("slash")
    await c.type("checkout")
    await c.sees("filter: checkout")


async def tree(c: Console) -> None:
    await c.press("b")
    await c.sees("Objects")


def _ask(c: Console, verb: Verb, *sessions: Session, stakes: Stakes | None = None) -> None:
    """Open the dialog of an action, with what the server would have said of it."""
    target = Aim(c.main, verb, sessions)
    target.stakes = stakes
    c.app.push_screen(Question(target.title, target.body, target.word, now=target.now))


async def terminate(c: Console) -> None:
    locks = ("RowExclusiveLock on carts", "RowExclusiveLock on orders")
    _ask(c, "terminate", SESSIONS[0], stakes=Stakes(True, None, locks, False, ("dead rows stay for vacuum",)))
    await c.sees("Terminate?", "frees 3 waiters")
    await c.press("enter")
    await c.type("48102", "enter")
    await c.sees("that is not prod-orders 48102")


async def terminate_many(c: Console) -> None:
    _ask(c, "terminate", *SESSIONS[1:6])
    await c.sees("Terminate 5 sessions?")


async def take(c: Console) -> None:
    await c.press("t")
    await c.type("app:checkout age>1m")
    await c.until(lambda: len(c.app.screen.query_one("#taken", Grid).rows) == 2)


async def lift(c: Console) -> None:
    c.app.push_screen(LiftQuestion("prod-orders", "production"))
    await c.sees("Lift read-only")


async def password(c: Console) -> None:
    c.app.push_screen(PasswordQuestion("prod-orders"))
    await c.sees("Password for")
    await c.type("secret")


async def text(c: Console) -> None:
    await live(c)
    await c.press("enter")
    await c.sees("esc closes")


PANES: dict[str, Steps] = {
    "live": live, "statements": statements, "schema": schema, "query": query, "plan": plan, "measured": measured,
    "findings": findings, "migrate": migrate,
}  # fmt: skip
DIALOGS: dict[str, Steps] = {
    "help": help_, "find": find, "filter": filter_, "terminate": terminate, "terminate_many": terminate_many,
    "take": take, "lift": lift, "password": password,
    "text": text,
}  # fmt: skip


async def _draw(name: str, size: str, steps: Steps, snapshot: Snapshot | None = SNAPSHOT) -> None:
    async with recorded(SIZES[size], snapshot) as c:
        await steps(c)
        await c.still()
        assert_golden(c.app, f"console/{name}-{size}")


@pytest.mark.parametrize("size", ["120", "80"])
@pytest.mark.parametrize("name", [*PANES, *DIALOGS])
async def test_a_pane_or_dialog(name: str, size: str) -> None:
    await _draw(name, size, (PANES | DIALOGS)[name])


@pytest.mark.parametrize("name", ["live", "statements", "schema", "query", "measured", "tree"])
async def test_a_pane_on_forty_columns(name: str) -> None:
    await _draw(name, "40", (PANES | {"tree": tree})[name])


@pytest.mark.parametrize("name", ["ddl", "indexes", "tree", "no_plan"])
async def test_a_state_of_a_pane(name: str) -> None:
    await _draw(name, "120", {"ddl": ddl, "indexes": indexes, "tree": tree, "no_plan": no_plan}[name])


@pytest.mark.parametrize("size", ["120", "80"])
async def test_what_changed_and_the_load(size: str) -> None:
    async with recorded(SIZES[size], replace(SNAPSHOT, shifts=SHIFTS)) as c:
        record(c.main.session.history, load=True)  # in the place of what was drawn
        await c.sees("changed")
        await c.still()
        assert_golden(c.app, f"console/changed-{size}")
        if size == "80":
            return  # no room for the load
        await c.press("2")
        await c.sees("IO 1.")
        await c.still()
        assert_golden(c.app, f"console/load-{size}")


@pytest.mark.parametrize("size", ["120", "80"])
async def test_a_lost_server(size: str) -> None:
    await _draw("lost", size, live, LOST)


@pytest.mark.parametrize("size", ["120", "80"])
async def test_a_server_that_rests(size: str) -> None:
    await _draw("quiet", size, seeing("48308"), QUIET)
    await _draw("nobody", size, seeing("at this moment"), NOBODY)


@pytest.mark.parametrize("size", ["120", "80"])
async def test_what_there_is_to_know_of_a_server(size: str) -> None:
    async def server(c: Console) -> None:
        await schema(c)
        await c.until(lambda: c.main.tree_widget.reveal(("prod-orders",)))
        await c.sees("a pooler stands between")

    known = replace(SERVER, pooler="pgbouncer", notes=("a pooler stands between: each question costs more",
                    HIDDEN.format("me")))  # fmt: skip
    await _draw("server", size, server, replace(SNAPSHOT, server=known))


async def test_the_key_hides_idle_ones_even_where_nothing_is_active() -> None:
    async with recorded(SIZES["120"], QUIET) as c:
        await c.sees("idle ones below")
        await c.press("i", "i")
        await c.sees("i shows idle ones")
        await c.press("i")
        await c.sees("48308")


async def test_what_a_missing_grant_hides() -> None:
    async def masked(c: Console) -> None:
        await c.sees("hidden")

    await _draw("masked", "120", masked, MASKED)
    await _draw("masked-statements", "120", statements_without, MASKED)


async def statements_without(c: Console) -> None:
    await c.press("2")
    await c.sees("permission denied")


async def test_before_the_first_sample() -> None:
    async def waiting(c: Console) -> None:
        await c.sees("connecting")

    await _draw("connecting", "80", waiting, None)


async def test_nothing_but_ascii() -> None:
    for name in ("live", "measured", "help", "schema"):
        async with recorded((120, 40), ascii=True) as c:
            await (PANES | DIALOGS)[name](c)
            await c.still()
            assert_golden(c.app, f"console/ascii-{name}-120")
            assert all(character.isascii() for character in c.shown())


@pytest.mark.parametrize("size", ["120", "80"])
async def test_the_picker(size: str) -> None:
    connections_file().parent.mkdir(parents=True)
    connections_file().write_text(
        '[prod-orders]\nurl = "postgresql://me@db-01.example.com/orders"\ntags = ["shop", "eu"]\n\n'
        '[staging-orders]\nurl = "postgresql://me@db-02.example.com/orders"\nenvironment = "staging"\n\n'
        '[laptop]\nurl = "postgresql:///orders"\nenvironment = "development"\n'
    )
    connections_file().chmod(0o600)
    async with console(None, size=SIZES[size], wait=False) as c:
        await c.sees("laptop")
        await c.still()
        assert_golden(c.app, f"console/picker-{size}")


async def test_the_picker_without_connections() -> None:
    async with console(None, size=(80, 24), wait=False) as c:
        await c.sees("no connection is saved")
        await c.still()
        assert_golden(c.app, "console/picker-empty-80")
