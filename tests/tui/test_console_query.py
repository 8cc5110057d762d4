"""The editor: rows by pages, errors, the one statement under the cursor, and writing after a lift."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from dbtui import policy
from dbtui.config import state_folder
from dbtui.model.server import Environment
from dbtui.tui.screens.confirm import LiftQuestion
from dbtui.tui.widgets.sql_area import SqlArea
from tests.servers.postgres import PostgresServer
from tests.tui.conftest import Connect
from tests.tui.console import Console, audit_lines, audited, console, target_of


@pytest.fixture(scope="module")
def shop(postgres18: PostgresServer) -> Iterator[str]:
    """A database with one table of three rows."""
    name = postgres18.create_database()
    postgres18.psql("create table goods (id int primary key, label text)", name)
    yield name
    postgres18.drop_database(name)


@pytest.fixture
def goods(postgres18: PostgresServer, shop: str) -> str:
    postgres18.psql("truncate goods; insert into goods values (1, 'tea'), (2, null), (3, 'salt')", shop)
    return shop


@asynccontextmanager
async def query(
    server: PostgresServer, database: str, environment: Environment = Environment.DEVELOPMENT, **more: object
) -> AsyncIterator[Console]:
    async with console(target_of(server.url(database), environment, **more), interval=2.0) as c:
        await c.press("4")
        yield c


async def _run(c: Console, sql: str) -> None:
    await c.edit(sql)
    await c.press("ctrl+r")


async def test_rows_come_with_their_columns_and_a_count(postgres18: PostgresServer, goods: str) -> None:
    async with query(postgres18, goods) as c:
        await _run(c, "select * from goods order by id")
        await c.sees("id", "label", "tea", "NULL", "3 rows")
        await c.press("escape", "j")
        await c.press("y")
        assert c.app.clipboard == "2\t"
        await c.press("enter")
        await c.sees("label", "  NULL")


async def test_a_large_result_comes_by_pages_while_keys_work(postgres18: PostgresServer, goods: str) -> None:
    async with query(postgres18, goods) as c:
        await _run(c, "select n, 'row ' || n from generate_series(1, 5000) n")
        await c.sees("5,000 rows")
        await c.press("escape", "end")
        await c.sees("row 5000")


async def test_an_error_is_shown_with_its_reason(postgres18: PostgresServer, goods: str) -> None:
    async with query(postgres18, goods) as c:
        await _run(c, "select nothing from goods")
        await c.sees("refused", 'column "nothing" does not exist')
        await _run(c, "select 1 as fine")
        await c.sees("fine", "1 row ")
        await c.sees_no_more("refused")


async def test_an_error_in_the_midst_of_the_rows_is_shown(postgres18: PostgresServer, goods: str) -> None:
    async with query(postgres18, goods) as c:
        await _run(c, "select 1 / (4000 - n) from generate_series(1, 5000) n")
        await c.sees("division by zero")


async def test_of_several_statements_the_one_under_the_cursor_runs(
    postgres18: PostgresServer, goods: str
) -> None:
    async with query(postgres18, goods) as c:
        await c.edit("select 'one' as first;\nselect 'two' as second;\nselect 'three' as third")
        await c.press("up", "ctrl+r")
        await c.sees("second", "two", "1 row ")
        await c.press("ctrl+home", "ctrl+r")
        await c.sees("first", "one", "1 row ")


async def test_an_empty_editor_runs_nothing(postgres18: PostgresServer, goods: str) -> None:
    async with query(postgres18, goods) as c:
        await _run(c, "  -- nothing here\n")
        await c.press("ctrl+g")
        assert c.main.pane == "query"
        await c.sees("ctrl+r runs the statement")


async def test_digits_lead_on_from_an_empty_editor_and_are_typed_into_one_that_is_not(
    postgres18: PostgresServer, goods: str
) -> None:
    async with query(postgres18, goods) as c:
        await c.press("2")
        await c.sees("sort: load")
        await c.press("4", "x", "2")
        assert c.app.screen.query_one("#editor", SqlArea).text == "x2"


async def test_a_running_statement_is_stopped(
    postgres18: PostgresServer, goods: str, connect: Connect
) -> None:
    async with query(postgres18, goods) as c:
        await _run(c, "select pg_sleep(60)")
        await c.sees("running")
        await c.press("escape", "ctrl+c")
        await c.sees("was cancelled")
        watcher = await connect()
        asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = $1"
        async with asyncio.timeout(10):
            while await watcher.fetchval(asleep, goods):
                await asyncio.sleep(0.02)


async def test_ctrl_c_in_the_editor_stops_what_runs(postgres18: PostgresServer, goods: str) -> None:
    async with query(postgres18, goods) as c:
        await _run(c, "select pg_sleep(60)")
        await c.sees("running")
        await c.press("ctrl+c")
        await c.sees("was cancelled")


@pytest.mark.parametrize(
    "sql",
    [
        "delete from goods",
        "with gone as (delete from goods returning 1) select * from gone",
        "drop table goods",
    ],
)
async def test_a_write_is_refused_with_the_way_to_do_it(
    postgres18: PostgresServer, goods: str, sql: str
) -> None:
    async with query(postgres18, goods) as c:
        await _run(c, sql)
        await c.sees("refused", "L lifts it")
    assert postgres18.psql("select count(*) from goods", goods) == "3"


async def _lift(c: Console, *, length: str, word: str = "here", reason: str = "a typo") -> None:
    await c.press("escape", "L")
    await c.until(lambda: isinstance(c.app.screen, LiftQuestion))
    await c.type(reason, "enter")
    await c.type(length, "enter")
    await c.type(word, "enter")


async def test_a_lift_for_one_statement_falls_back_by_itself(postgres18: PostgresServer, goods: str) -> None:
    async with query(postgres18, goods) as c:
        await _lift(c, length="1")
        await c.sees("LIFTED")
        await _run(c, "update goods set label = 'pepper' where id = 2 returning id, label")
        await c.sees("pepper", "UPDATE 1", "written")
        await c.sees("READ-ONLY")
        await _run(c, "delete from goods")
        await c.sees("refused", "L lifts it")
    assert postgres18.psql("select label from goods order by id", goods) == "tea\npepper\nsalt"
    assert audited("action", "reason", "result") == [
        ("lift read-only", "a typo", "lifted"),
        ("read-only again", "a typo", "used"),
        ("write", "a typo", "UPDATE 1"),
    ]
    assert audit_lines()[2]["target"].startswith("update goods")
    assert audit_lines()[2]["role"] == "postgres"
    assert (state_folder() / "audit.jsonl").stat().st_mode & 0o777 == 0o600


async def test_a_lift_for_ten_minutes_holds_until_it_is_dropped(
    postgres18: PostgresServer, goods: str
) -> None:
    async with query(postgres18, goods, Environment.PRODUCTION) as c:
        await _lift(c, length="10")
        await c.sees("LIFTED 09:5")
        for number in (4, 5):
            await _run(c, f"insert into goods values ({number}, 'new')")
            await c.until(lambda number=number: len(audit_lines()) == number - 2)
        await c.sees("INSERT 0 1", "LIFTED")
        await c.press("escape", "L")
        await c.sees("READ-ONLY")
        await c.hears("read-only again")
        await _run(c, "delete from goods")
        await c.sees("refused")
    assert postgres18.psql("select count(*) from goods", goods) == "5"
    assert audited("action", "result")[-1] == ("read-only again", "dropped")


async def test_the_lift_wants_name_length_and_reason(postgres18: PostgresServer, goods: str) -> None:
    async with query(postgres18, goods, Environment.PRODUCTION) as c:
        await _lift(c, length="1", word="ther")
        await c.sees("that is not here")
        await c.press("escape")
        await _lift(c, length="5")
        await c.sees("type 1 or 10")
        await c.press("escape")
        await c.press("L", "enter")
        await c.sees("a reason is needed")
        await c.press("escape")
        await c.sees("READ-ONLY")
        await _run(c, "delete from goods")
        await c.sees("refused")
    assert audit_lines() == []


async def test_a_failed_write_is_shown_and_audited(postgres18: PostgresServer, goods: str) -> None:
    async with query(postgres18, goods) as c:
        await _lift(c, length="1")
        await _run(c, "insert into goods values (1, 'twice')")
        await c.sees("refused", "duplicate key")
    (_, _, written) = audited("action", "result")
    assert written[0] == "write"
    assert written[1].startswith("failed: duplicate key")


async def test_a_lift_ends_with_the_console(postgres18: PostgresServer, goods: str) -> None:
    async with query(postgres18, goods) as c:
        await _lift(c, length="10")
        await c.sees("LIFTED")
    assert audited("action", "result")[-1] == ("read-only again", "dropped")


async def test_a_connection_that_is_saved_as_writable_writes(postgres18: PostgresServer, goods: str) -> None:
    async with query(postgres18, goods, read_only=False) as c:
        await c.sees("WRITABLE")
        await _run(c, "delete from goods where id = 1")
        await c.sees("DELETE 1")
    assert postgres18.psql("select count(*) from goods", goods) == "2"
    assert audited("action", "result") == [("write", "DELETE 1")]


async def test_production_that_is_saved_as_writable_asks_for_its_name(
    postgres18: PostgresServer, goods: str
) -> None:
    async with query(postgres18, goods, Environment.PRODUCTION, read_only=False) as c:
        await _run(c, "delete from goods where id = 1")
        await c.sees("Write?", "delete from goods where id = 1", "(production)")
        await c.press("escape")
        await _run(c, "delete from goods where id = 2")
        await c.sees("Write?")
        await c.type("cleaning up", "enter")
        await c.type("here", "enter")
        await c.sees("DELETE 1")
    assert postgres18.psql("select id from goods order by id", goods) == "1\n3"
    assert audited("action", "reason", "result") == [("write", "cleaning up", "DELETE 1")]


async def test_a_slow_statement_does_not_hold_up_the_keys(postgres18: PostgresServer, goods: str) -> None:
    async with query(postgres18, goods) as c:
        await _run(c, "select pg_sleep(60)")
        await c.sees("running")
        await c.press("escape", "1")
        await c.sees("Sessions")
        await c.press("question_mark")
        await c.sees("Keys")
        async with asyncio.timeout(5):
            await c.press("escape", "q")
            await c.until(lambda: not c.app.is_running)


async def test_no_editor_is_opened_where_it_is_forbidden_or_without_a_terminal(
    postgres18: PostgresServer, goods: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with query(postgres18, goods) as c:
        await c.press("ctrl+t")
        await c.hears("an editor needs a terminal")
        rail = policy.Policy(forbidden=frozenset({policy.Feature.EDITOR}), reason="no shells here")
        monkeypatch.setattr(policy, "current", lambda: rail)
        await c.press("ctrl+t")
        await c.hears("editor is forbidden by /etc/dbtui/policy.toml: no shells here")


async def test_where_nothing_may_be_written_a_lift_asks_for_no_reason(
    postgres18: PostgresServer, goods: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with query(postgres18, goods) as c:
        await c.press("escape")
        monkeypatch.setattr(policy, "current", lambda: policy.Policy(read_only=True, reason="not from here"))
        await c.press("L")
        await c.hears("writing is forbidden by /etc/dbtui/policy.toml: not from here")
        await c.sees_no_more("Lift read-only")
