"""Rehearsals: on the shadow, on a copy, in a database of empty twins; the user's own tables stay as they are."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from dbtui.commands.going_on import steps_done
from dbtui.errors import NotApproved
from dbtui.migrations.files import migration_file
from dbtui.migrations.rehearse import rehearse
from dbtui.migrations.survey import surveyed
from dbtui.model.change import ChangePlan
from dbtui.model.migration import Lock
from dbtui.model.run import Rehearsal, Rehearsed
from dbtui.output.rehearsal_text import rehearsal_text
from dbtui.safety import Approval, approve
from tests.migrations.runs import Console, table
from tests.servers.mysql import MysqlProtocolServer
from tests.servers.postgres import PostgresServer


async def planned(console: Console, sql: str, database: str = "") -> ChangePlan:
    return await surveyed(console.engine, [migration_file("1.sql", sql)], database=database)


def agreed(one: Rehearsed) -> bool:
    return not (one.error or one.doubts or one.skipped)


async def test_locks_rewrites_and_scans_on_the_shadow(postgres15: PostgresServer) -> None:
    database = postgres15.create_database()
    postgres15.psql(table(10), database)
    sql = """
        ALTER TABLE orders ADD CONSTRAINT positive CHECK (amount > 0);
        CREATE INDEX by_amount ON orders (amount);
        VACUUM FULL orders;
    """
    async with Console(postgres15.url(database)) as console:
        plan = await planned(console, sql, database)
        done = await rehearse(console.engine, plan)
        wrong = replace(plan.steps[0], locks=(Lock("orders", "ShareLock"),))
        disagreed = await rehearse(console.engine, replace(plan, steps=(wrong,)))
    seen = {one.step.title: one for one in done.steps}
    locks = [one.observed.locks for one in done.steps if one.observed is not None]
    assert (Lock("orders", "AccessExclusiveLock"),) in locks
    assert locks.count((Lock("orders", "ShareUpdateExclusiveLock"),)) == 2, seen  # VALIDATE, and CONCURRENTLY
    assert any(one.observed is not None and one.observed.scans == ("orders",) for one in done.steps)
    assert "shadow" in done.where
    assert not [one.error for one in (*done.steps, *done.back) if one.error]
    assert disagreed.steps[0].doubts == (
        "orders: the matrix says ShareLock, the rehearsal took AccessExclusiveLock",
    )
    assert postgres15.psql("select count(*) from pg_constraint where conname = 'positive'", database) == "0"


async def test_a_rewrite_that_nobody_expected_is_a_doubt(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql(table(10), database)
    async with Console(postgres18.url(database)) as console:
        plan = await planned(console, "ALTER TABLE orders ADD COLUMN n int;", database)
        worse = replace(plan.steps[0], statements=("ALTER TABLE orders ALTER COLUMN amount TYPE numeric",))
        done = await rehearse(console.engine, replace(plan, steps=(replace(worse, postconditions=()),)))
    assert any("rewrote orders" in doubt for doubt in done.steps[0].doubts), done


async def test_the_way_back_is_tried_before_the_point_of_no_return(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql("create table orders (id int primary key, total int)", database)
    async with Console(postgres18.url(database)) as console:
        plan = await planned(console, "ALTER TABLE orders ALTER total TYPE bigint;", database)
        done = await rehearse(console.engine, plan)
        swap = next(step for step in plan.steps if step.title.startswith("swap"))
        broken = replace(swap, down=("ALTER TABLE orders RENAME COLUMN nothing TO total",))
        bad = await rehearse(
            console.engine, replace(plan, steps=tuple(broken if s is swap else s for s in plan.steps))
        )
    final = next(step.number for step in plan.steps if step.point_of_no_return)
    assert not done.wrong and all(agreed(one) for one in done.back), done
    assert {one.step.number for one in done.back} == {
        s.number for s in plan.steps if s.down and s.number < final
    }
    assert agreed(done.steps[final - 1]), done
    assert bad.wrong == (swap.number,) and bad.back[0].error, bad
    assert bad.steps[final - 1].skipped == "the way back of the steps before it failed"
    assert f"not safe: step {swap.number}" in rehearsal_text(bad)


async def half_run(console: Console, plan: ChangePlan, until: int) -> Rehearsal:
    """The rehearsal of a plan of which the steps up to number `until` are done."""

    async def permit(scope: str) -> Approval:
        return approve("test", scope, "a test")

    async with console.runner(plan) as runner:
        await runner.run(until=until)
    done = await steps_done(console.engine, console.target, plan)
    assert done == set(range(until + 1))
    return await rehearse(console.engine, plan, permit, done=done)


async def test_of_a_plan_that_was_begun_the_rest_is_tried_and_all_of_the_way_back(
    postgres18: PostgresServer,
) -> None:
    database = postgres18.create_database()
    postgres18.psql(table(10), database)
    sql = """
        ALTER TABLE orders ADD COLUMN a int;
        CREATE TABLE items (id int PRIMARY KEY);
        ALTER TABLE orders ADD COLUMN b int;
        CREATE INDEX by_b ON orders (amount);
    """
    async with Console(postgres18.url(database)) as console:
        plan = await planned(console, sql, database)
        postgres18.psql("create index by_b on orders (amount)", database)  # by somebody else, out of its turn
        done = await half_run(console, plan, 2)
    assert not done.wrong, done
    assert [bool(one.skipped) for one in done.steps] == [True, True, False, True]
    assert [one.step.number for one in done.back] == [4, 3, 2, 1]
    assert "add column a of orders: done on the server already" in rehearsal_text(done)


async def test_beyond_the_point_of_no_return_no_way_back_is_tried(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql("create table orders (id int primary key, old int, new int)", database)
    async with Console(postgres18.url(database)) as console:
        plan = await planned(console, "ALTER TABLE orders DROP COLUMN old; CREATE INDEX i ON orders (new);")
        final = next(step.number for step in plan.steps if step.point_of_no_return)
        assert final < len(plan.steps)
        done = await half_run(console, plan, final)
    assert not done.wrong and not done.back, done


async def test_the_rest_of_a_plan_is_tried_on_twins(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql("create table orders (id int primary key, amount int)", database=database)
    async with Console(mysql.url(database)) as console:
        plan = await planned(
            console, "ALTER TABLE orders ADD COLUMN a int; CREATE INDEX i ON orders (a);", database
        )
        done = await half_run(console, plan, 1)
    assert not done.wrong, done
    assert [one.step.number for one in done.back] == [2, 1]


async def test_the_rest_of_a_plan_is_tried_on_a_copy(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as raw:
        raw.execute("create table orders (id integer primary key, amount text)")
    async with Console(f"sqlite:///{file}") as console:
        sql = "INSERT INTO orders VALUES (1, 'x'); ALTER TABLE orders ADD COLUMN a int;"
        done = await half_run(console, await planned(console, sql), 1)
    assert not done.wrong, done


async def test_a_copy_of_a_file_is_changed_and_the_file_is_not(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as raw:
        raw.executescript(
            "create table orders (id integer primary key, amount text); insert into orders values (1, 'x')"
        )
    async with Console(f"sqlite:///{file}") as console:
        fine = await rehearse(console.engine, await planned(console, "ALTER TABLE orders ADD COLUMN n int;"))
        failing = await planned(console, "CREATE UNIQUE INDEX twice ON orders (missing);")
        bad = await rehearse(console.engine, failing)
    assert all(agreed(one) for one in fine.steps), fine
    assert bad.steps[-1].error, bad
    with sqlite3.connect(file) as raw:
        assert [row[1] for row in raw.execute("pragma table_info(orders)")] == ["id", "amount"]


async def test_twins_refuse_what_the_tables_would_refuse(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql(
        "create table orders (id int primary key, amount int)",
        "insert into orders values (1, 2)",
        "create table items (id int primary key, owner int,"
        " constraint items_of foreign key (owner) references orders (id))",
        "create trigger orders_kept before delete on orders for each row set @gone = old.id",
        database=database,
    )

    async def permit(scope: str) -> Approval:
        return approve("test", scope, "a test")

    async with Console(mysql.url(database)) as console:
        plan = await planned(console, "ALTER TABLE orders ADD COLUMN n int;", database)
        with pytest.raises(NotApproved, match="makes and drops the database"):
            await rehearse(console.engine, plan)
        fine = await rehearse(console.engine, plan, permit)
        sql = "ALTER TABLE orders MODIFY amount varchar(9), ALGORITHM=INSTANT"
        worse = replace(plan.steps[0], statements=(sql,), postconditions=(), superseded=None)
        bad: Rehearsal = await rehearse(console.engine, replace(plan, steps=(worse,)), permit)
    assert not [one for one in fine.steps if one.error or one.doubts], fine
    assert fine.missing == ("the foreign key items_of of items", "the trigger orders_kept of orders")
    assert "no foreign keys and no triggers" in rehearsal_text(fine)
    assert "ALGORITHM" in bad.steps[0].error, bad
    assert [row[0] for row in mysql.sql("show columns from orders", database=database)] == ["id", "amount"]
    assert not mysql.sql("show databases like 'dbtui_rehearsal%'")
