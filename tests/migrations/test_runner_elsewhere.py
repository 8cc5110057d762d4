"""Plans run on MySQL, MariaDB and SQLite: filled once, gone on after a stop, one runner at a time."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from dbtui.errors import ConnectError
from dbtui.migrations.files import migration_file
from dbtui.migrations.rollback import way_back
from dbtui.migrations.survey import surveyed
from dbtui.model.change import Backfill, ChangePlan, ChangeStep, Condition, Kind, Source, Transaction
from dbtui.model.migration import Relation
from dbtui.model.run import Run, State
from tests.migrations.runs import Console
from tests.servers.line import line_to
from tests.servers.mysql import MysqlProtocolServer

ORDERS = Relation("orders")
ROWS = 3000


def filling(engine: str, key: tuple[str, ...], times: str = "touched = touched + 1") -> ChangePlan:
    step = ChangeStep(
        1, Kind.BACKFILL, "fill", transaction=Transaction.BATCHES, relation=ORDERS,
        backfill=Backfill(ORDERS, key, times, batch=200, repeatable=False),
        postconditions=(Condition("SELECT count(*) = 0 FROM orders WHERE touched <> 1", "each row was touched once"),),
    )  # fmt: skip
    return ChangePlan(engine, "", "", (Source("fill"),), (step,), "fill")


async def stopped_and_resumed(url: str, plan: ChangePlan) -> Run:
    """Stop after the first batch, then go on with another runner."""
    async with Console(url) as console:

        def stop_early(run: Run) -> None:
            if run.fill is not None and run.fill.rows:
                runner.stop()

        async with console.runner(plan, on_change=stop_early) as runner:
            run = await runner.run()
        assert run.of(1).state is State.STOPPED, run
        assert 0 < run.fill.rows < ROWS if run.fill else False
        async with console.runner(plan) as runner:
            with pytest.raises(ConnectError, match="one runner at a time"):
                await console.runner(plan).__aenter__() if plan.engine == "sqlite" else await other(url, plan)
            return await runner.run()


async def other(url: str, plan: ChangePlan) -> None:
    async with Console(url) as console, console.runner(plan):
        pass


@pytest.mark.parametrize(
    ("ddl", "key"),
    [
        ("id bigint primary key, touched int not null default 0", ("id",)),
        ("a int, b varchar(20), touched int not null default 0, primary key (b, a)", ("b", "a")),
        ("u binary(16) primary key, touched int not null default 0", ("u",)),
    ],
    ids=["number", "text and number", "bytes"],
)
async def test_a_backfill_goes_on_where_it_stopped(
    mysql: MysqlProtocolServer, ddl: str, key: tuple[str, ...]
) -> None:
    database = mysql.create_database()
    values = {"id": "n", "b": "concat('k''', n % 100), n", "u": "unhex(left(sha2(n, 256), 32))"}
    columns = {"id": "id", "b": "b, a", "u": "u"}[key[0]]
    numbers = (
        f"with recursive g as (select 1 n union all select n + 1 from g where n < {ROWS}) select n from g"
    )
    mysql.sql(
        f"create table orders ({ddl})",
        f"set {'max_recursive_iterations' if mysql.engine == 'mariadb' else 'cte_max_recursion_depth'} = {ROWS * 2}",
        f"insert into orders ({columns}) select {values[key[0]]} from ({numbers}) x",
        database=database,
    )
    run = await stopped_and_resumed(mysql.url(database), filling(mysql.engine, key))
    assert run.of(1).state is State.DONE, run
    assert mysql.sql("select count(*), min(touched), max(touched) from orders", database=database) == [
        (ROWS, 1, 1)
    ]


@pytest.mark.parametrize("key", [("id",), ("b", "a"), ()], ids=["number", "text and number", "rowid"])
async def test_a_backfill_of_a_file_goes_on_where_it_stopped(tmp_path: Path, key: tuple[str, ...]) -> None:
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as raw:
        raw.execute(
            "create table orders (id integer, a int, b text, touched int not null default 0, primary key (b, a))"
        )
        raw.execute("create unique index orders_id on orders (id)")
        numbers = ((n, n, f"k'{n % 100}") for n in range(ROWS))
        raw.executemany("insert into orders (id, a, b) values (?, ?, ?)", numbers)
    run = await stopped_and_resumed(f"sqlite:///{file}", filling("sqlite", key))
    assert run.of(1).state is State.DONE, run
    with sqlite3.connect(file) as raw:
        assert raw.execute("select count(*), min(touched), max(touched) from orders").fetchone() == (
            ROWS,
            1,
            1,
        )
    assert not list(tmp_path.glob("*-dbtui"))


async def test_the_twelve_steps_run_as_one(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as raw:
        raw.executescript(
            "create table users (id integer primary key, name text);"
            "create table orders (id integer primary key, user_id references users (id), amount text);"
            "create index orders_user on orders (user_id);"
            "insert into users values (1, 'a'); insert into orders values (1, 1, '5'), (2, 1, '7');"
        )
    async with Console(f"sqlite:///{file}") as console:
        plan = await surveyed(
            console.engine, [migration_file("1.sql", "ALTER TABLE orders ALTER COLUMN amount TYPE integer;")]
        )
        async with console.runner(plan) as runner:
            run = await runner.run()
    assert all(one.state is State.DONE for one in run.steps), run
    with sqlite3.connect(file) as raw:
        assert [row[2].lower() for row in raw.execute("pragma table_info(orders)")] == [
            "integer",
            "",
            "integer",
        ]
        assert raw.execute("select sum(amount) from orders").fetchone() == (12,)
        assert raw.execute("select count(*) from sqlite_schema where name = 'orders_user'").fetchone() == (1,)


async def test_ddl_that_finds_the_table_in_use_is_withdrawn_and_tried_again(
    mysql: MysqlProtocolServer,
) -> None:
    database = mysql.create_database()
    mysql.sql("create table orders (id int primary key)", "insert into orders values (1)", database=database)
    said: list[str] = []
    blockers: set[str] = set()
    async with Console(mysql.url(database)) as console, Console(mysql.url(database)) as blocker:
        plan = await surveyed(
            console.engine,
            [migration_file("1.sql", "ALTER TABLE orders ADD COLUMN n int;")],
            database=database,
        )
        held = await blocker.engine.hold(database)  # type: ignore[attr-defined]
        await held.read("START TRANSACTION")
        await held.read("SELECT * FROM orders")

        def let_go(run: Run) -> None:
            said.append(run.doing)
            if run.look is not None:
                blockers.update(run.look.blockers)
            if "tries again" in run.doing:
                task.append(asyncio.ensure_future(held.read("COMMIT")))

        task: list[asyncio.Future[object]] = []
        async with console.runner(plan, on_change=let_go) as runner:
            run = await runner.run()
        await held.close()
    assert all(one.state is State.DONE for one in run.steps), run
    assert any("tries again" in line for line in said)
    if mysql.engine == "mysql":  # MariaDB tells who holds a table with a plugin alone
        assert any("transaction open" in line for line in blockers), blockers


async def test_a_way_back_whose_session_is_lost_is_looked_for_on_the_server(
    mysql: MysqlProtocolServer,
) -> None:
    """The server goes on with what the lost session began; the same again would be refused."""
    database = mysql.create_database()
    mysql.sql("create table orders (id int primary key)", "insert into orders values (1)", database=database)
    async with line_to(mysql.port) as line, Console(mysql.url(database)) as blocker:
        url = mysql.url(database, tcp=True).replace(f":{mysql.port}", f":{line.port}")
        async with Console(url) as console:
            sql = "ALTER TABLE orders ADD COLUMN a int, ADD COLUMN b int;"
            plan = await surveyed(console.engine, [migration_file("1.sql", sql)], database=database)
            async with console.runner(plan) as runner:
                assert (await runner.run()).next is None
            held = await blocker.engine.hold(database)  # type: ignore[attr-defined]
            await held.read("START TRANSACTION")
            await held.read("SELECT * FROM orders")
            cuts: list[asyncio.Future[object]] = []

            def cut(run: Run) -> None:
                if not cuts and run.look is not None and run.look.waiting:
                    line.cut()
                    cuts.append(asyncio.ensure_future(held.read("COMMIT")))

            async with console.runner(plan, on_change=cut) as runner:
                assert await way_back(runner, 0)
                detail = runner.state.of(-1).detail
            await held.close()
    assert cuts and detail == "done, though the session was lost meanwhile"
    assert [row[0] for row in mysql.sql("show columns from orders", database=database)] == ["id"]


async def test_a_rebuild_is_not_done_again_when_a_later_step_has_changed_the_table(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as raw:
        raw.execute("create table orders (id integer primary key, amount text)")
    sql = """
        ALTER TABLE orders ALTER COLUMN amount TYPE integer;
        ALTER TABLE orders ADD COLUMN total integer;
        INSERT INTO missing VALUES (1);
    """
    async with Console(f"sqlite:///{file}") as console:
        plan = await surveyed(console.engine, [migration_file("1.sql", sql)])
        async with console.runner(plan) as runner:
            run = await runner.run()
        assert run.of(len(plan.steps)).state is State.FAILED, run.lines
        async with console.runner(plan) as runner:
            done = [one.step.number for one in runner.state.steps if one.state is State.DONE]
            assert done == list(range(len(plan.steps))), runner.state
            assert await way_back(runner, 0)
    with sqlite3.connect(file) as raw:
        assert [row[1:3] for row in raw.execute("pragma table_info(orders)")] == [
            ("id", "INTEGER"),
            ("amount", "TEXT"),
        ]
